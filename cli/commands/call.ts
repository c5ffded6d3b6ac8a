import { command, type Command } from '../command.ts';
import { connectorId, hexBytes, ipv4, oneOf, wholeNumber } from '../kinds.ts';
import { Misuse } from '../misuse.ts';
import { flag, needed, option, optional } from '../options.ts';
import { noOperands } from '../operands.ts';
import { openTowards, peerAt, placeOf } from '../place.ts';
import type { Shell } from '../shell.ts';
import { createEndpoint, type Endpoint } from '../../sessions/endpoint.ts';
import type { ConnectorId } from '../../core/id.ts';
import type { Peer } from '../../transport/transport.ts';

/** The longest wait that a timer of Node takes. */
const TIMEOUT_MAX_MS = 0x7fff_ffff;

/** What both kinds of call need. */
interface Target {
  readonly id: ConnectorId;
  readonly peer: Peer;
  readonly timeoutMs: number;
  readonly idempotent: boolean;
}

export const call: Command = command({
  name: 'call',
  operands: '[METHOD [JSON]]',
  summary: 'Make one call and print the reply.',
  details: [
    'Calls METHOD with the JSON value (none if there is none) and prints what it answers. Where an '
      + 'argument begins with "-", put "--" before METHOD.',
    'With --bare it speaks to a peer that knows only the 20-byte header: it sends --hex as payload '
      + 'and prints the seq, ack and payload of the answer. Such a peer does not tell a repeated '
      + 'request from a new one, so the request is repeated only with --idempotent; without it an '
      + 'unanswered one ends with the outcome "unknown".',
    'With --json it prints {"reply": VALUE}, bytes as {"hex": "..."}; for a bare reply {"reply": '
      + '{"seq": N, "ack": N, "hex": "..."}}; for a failure {"error": {"code", "outcome", '
      + '"message"}}.',
  ],
  options: {
    transport: option(oneOf('netlink', 'udp'), 'What to call over.', 'netlink'),
    id: needed(connectorId, 'The connector id to call.'),
    portid: optional(
      wholeNumber(1, 0xffff_ffff),
      'The netlink address of who serves it. Default: the one that is derived from the id.',
    ),
    host: optional(ipv4, 'The UDP address of who serves it. Default: 127.0.0.1.'),
    port: optional(
      wholeNumber(1, 65_535),
      'The UDP port of who serves it. Default: the one that is derived from the id.',
    ),
    'timeout-ms': option(
      wholeNumber(1, TIMEOUT_MAX_MS),
      'The time for all of it, opening a session included.',
      30_000,
    ),
    idempotent: flag('It may run more than once: repeat it where nobody knows whether it ran.'),
    bare: flag('Speak the rule of the 2005 text alone: the same seq, ack + 1.'),
    hex: optional(hexBytes, 'The payload of a bare request. Default: none.'),
  },
  run: async (values, operands, shell) => {
    const { id, idempotent, bare, hex, 'timeout-ms': timeoutMs } = values;
    const place = placeOf(values);
    const target = { id, peer: peerAt(place), timeoutMs, idempotent };
    if (bare) noOperands(operands);
    else if (hex !== undefined) throw new Misuse('--hex goes with --bare only');
    const question = bare ? undefined : readQuestion(operands);
    const { interruption: signal } = shell;
    const endpoint = createEndpoint({ transport: await openTowards(place) });
    try {
      if (question === undefined) {
        await callBare(endpoint, target, hex ?? new Uint8Array(0), signal, shell);
      } else await callMethod(endpoint, target, question, signal, shell);
    } finally {
      await endpoint.close();
    }
    return 0;
  },
});

interface Question {
  readonly method: string;
  readonly input: unknown;
}

function readQuestion(operands: readonly string[]): Question {
  const [method, json, ...rest] = operands;
  if (method === undefined || method === '') throw new Misuse('METHOD is needed, or --bare');
  noOperands(rest);
  if (json === undefined) return { method, input: undefined };
  try {
    return { method, input: JSON.parse(json) as unknown };
  } catch {
    throw new Misuse(`the argument after METHOD is one JSON value, not '${json}'`);
  }
}

async function callMethod(
  endpoint: Endpoint,
  target: Target,
  { method, input }: Question,
  signal: AbortSignal,
  shell: Shell,
): Promise<void> {
  const { id, peer, timeoutMs, idempotent } = target;
  const end = performance.now() + timeoutMs;
  const connection = await endpoint.connect(id, { peer, timeoutMs, signal });
  const leftMs = Math.max(0, end - performance.now());
  const value = await connection.call(method, input, { timeoutMs: leftMs, signal, idempotent });
  const reply = value instanceof Uint8Array ? { hex: toHex(value) } : value;
  if (shell.json) shell.object({ reply: reply ?? null });
  else if (value instanceof Uint8Array) shell.text(toHex(value));
  else shell.text(value === undefined ? '(no value)' : JSON.stringify(value, undefined, 2));
}

async function callBare(
  endpoint: Endpoint,
  target: Target,
  payload: Uint8Array,
  signal: AbortSignal,
  shell: Shell,
): Promise<void> {
  const { id, peer, timeoutMs, idempotent } = target;
  const reply = await endpoint.request(id, peer, payload, { timeoutMs, signal, idempotent });
  const { seq, ack } = reply;
  const hex = toHex(reply.payload);
  if (shell.json) shell.object({ reply: { seq, ack, hex } });
  else shell.text(`seq ${seq}  ack ${ack}  payload ${hex === '' ? '(none)' : hex}`);
}

function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
