import { command, type Command } from '../command.ts';
import { wholeNumber } from '../kinds.ts';
import { Failure } from '../misuse.ts';
import { noOperands } from '../operands.ts';
import { option } from '../options.ts';
import type { Shell } from '../shell.ts';
import { ConnectorError, isConnectorError } from '../../core/errors.ts';
import { LITTLE_ENDIAN, Slab } from '../../core/slab.ts';
import { SystemRandom } from '../../core/system-random.ts';
import { matchRules, type Genes, type MatchRule } from '../../reliability/match.ts';
import { createEndpoint, type Endpoint } from '../../sessions/endpoint.ts';
import { openNetlink, type NetlinkTransport } from '../../transport/netlink/netlink.ts';
import { encodeMessage } from '../../transport/wire/datagram.ts';

/** cn_proc: its id, its multicast group and its operations (linux/cn_proc.h). */
const PROC = { idx: 1, val: 1 };
const GROUP = 1;
const KERNEL = 0;
const LISTEN = 1;
const IGNORE = 2;
/** Where proc_event, after `what`, `cpu` and the time, has the errno of an acknowledgement. */
const ERROR_AT = 16;
/** Turns that a full queue gets to empty before an IGNORE is given up. */
const TURNS_MAX = 1000;

export const kernelPing: Command = command({
  name: 'kernel ping',
  operands: '',
  summary: 'Ask the real kernel\'s cn_proc for an answer.',
  details: [
    'Sends PROC_CN_MCAST_LISTEN to the kernel\'s process event connector and waits for the '
      + 'acknowledgement: ack + 1; its seq is a counter of the kernel\'s own since Linux 4.8. '
      + 'Afterwards it sends PROC_CN_MCAST_IGNORE, because the kernel counts listeners for the '
      + 'whole machine.',
    'With --json it prints one object a line: {"ping", "seqSent", "seqReceived", "ackSent", '
      + '"ackReceived", "roundTripMs"}.',
  ],
  options: {
    count: option(wholeNumber(1, 1_000_000), 'How often to ask.', 1),
    'timeout-ms': option(wholeNumber(1, 600_000), 'The time for each answer.', 2000),
  },
  run: async (values, operands, shell) => {
    noOperands(operands);
    const { interruption } = shell;
    const transport = openNetlink({ protocol: 'connector', groups: [GROUP] });
    const endpoint = createEndpoint({ transport });
    try {
      for (let number = 1; number <= values.count && !interruption.aborted; number++) {
        await ping(endpoint, number, values['timeout-ms'], shell);
      }
    } catch (error) {
      if (!interruption.aborted) throw explained(error);
    } finally {
      await ignore(transport, endpoint.stats().requestsSent);
      await endpoint.close();
    }
    return 0;
  },
});

async function ping(
  endpoint: Endpoint,
  number: number,
  timeoutMs: number,
  shell: Shell,
): Promise<void> {
  const sent: { genes: Genes } = { genes: { seq: 0, ack: 0 } };
  const rule: MatchRule = (request, received, payload) => {
    const match = matchRules.proc(request, received, payload);
    if (match !== 'no') sent.genes = request;
    return match;
  };
  const began = performance.now();
  const options = { rule, timeoutMs, idempotent: true, signal: shell.interruption };
  const reply = await endpoint.request(PROC, KERNEL, operation(LISTEN), options);
  const roundTripMs = Math.round((performance.now() - began) * 1000) / 1000;
  const errno = reply.payload.length < ERROR_AT + 4
    ? 0
    : new Slab(reply.payload).view.getUint32(ERROR_AT, LITTLE_ENDIAN);
  if (errno !== 0) throw new Failure('refused', `cn_proc refuses: errno ${errno}`);
  const { seq: seqSent, ack: ackSent } = sent.genes;
  const { seq: seqReceived, ack: ackReceived } = reply;
  if (shell.json) {
    shell.object({ ping: number, seqSent, seqReceived, ackSent, ackReceived, roundTripMs });
    return;
  }
  if (number === 1) shell.text(row('seq sent', 'received', 'ack sent', 'received', 'round trip'));
  shell.text(row(seqSent, seqReceived, ackSent, ackReceived, `${roundTripMs.toFixed(3)} ms`));
}

function row(...cells: readonly (string | number)[]): string {
  return cells.map((cell) => String(cell).padStart(12)).join('');
}

/**
 * Takes the listener's mark back, or the kernel keeps making events for nobody (KF §7.4). Kernels
 * before 6.6 count every LISTEN, so there must be an IGNORE for each; later ones skip the surplus.
 * It goes past the endpoint: the kernel hides the answer from who asked, so there is none to match.
 */
async function ignore(transport: NetlinkTransport, times: number): Promise<void> {
  // Every listener sees the answer: a random ack keeps it from passing for one to somebody else.
  const header = { id: PROC, seq: 0, ack: new SystemRandom().u32(), flags: 0 };
  const bytes = encodeMessage(header, operation(IGNORE));
  const slab = new Slab(bytes);
  let turns = 0;
  for (let time = 0; time < times; time++) {
    while (transport.send(slab, 0, bytes.length, KERNEL) !== 'sent' && turns++ < TURNS_MAX) {
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

function operation(number: number): Uint8Array {
  const slab = new Slab(4);
  slab.view.setUint32(0, number, LITTLE_ENDIAN);
  return slab.bytes;
}

/** Adds what a user can do about it. */
function explained(error: unknown): unknown {
  if (!isConnectorError(error)) return error;
  const { code, outcome = 'not-sent' } = error;
  if (code === 'no-peer') {
    const message = 'the kernel has its connector in the first network namespace only, and this '
      + 'process is in another';
    return new ConnectorError(code, message, { outcome, cause: error });
  }
  if (code === 'deadline-exceeded') {
    const message = 'cn_proc does not answer: this process is in another pid or user namespace '
      + 'than the first, or somebody has taken the count of listeners below one';
    return new ConnectorError(code, message, { outcome, cause: error });
  }
  return error;
}
