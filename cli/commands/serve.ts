import { command, type Command } from '../command.ts';
import { connectorId, ipv4, oneOf, wholeNumber } from '../kinds.ts';
import { Misuse } from '../misuse.ts';
import { flag, needed, option, optional } from '../options.ts';
import { noOperands } from '../operands.ts';
import { openAt, placeOf, placeText, type Place } from '../place.ts';
import type { Shell } from '../shell.ts';
import { formatId, type ConnectorId } from '../../core/id.ts';
import { createEndpoint, type Endpoint } from '../../sessions/endpoint.ts';

/** As given to SO_RCVBUF, which is an int that the kernel doubles. */
export const RECEIVE_BUFFER_MAX = 0x3fff_ffff;

export const serve: Command = command({
  name: 'serve',
  operands: '',
  summary: 'Answer calls to a connector id.',
  details: [
    'Serves the method "echo", which answers with what it is given, JSON or bytes, until SIGINT or '
      + 'SIGTERM; then it finishes the calls that run and ends.',
    'Any user may serve at any free portid or port, so neither says who is behind it. Over UDP '
      + 'nothing is encrypted, and whoever can send to the address can call.',
    'With --json it prints {"listening": {"portid": N, "id": "IDX:VAL"}} as soon as it serves, '
      + 'over UDP with "host" and "port" instead of "portid".',
  ],
  options: {
    transport: option(oneOf('netlink', 'udp'), 'What to serve over.', 'netlink'),
    id: needed(connectorId, 'The connector id to serve.'),
    portid: optional(
      wholeNumber(1, 0xffff_ffff),
      'The netlink address to serve at. Default: the one that clients derive from the id.',
    ),
    host: optional(
      ipv4,
      'The UDP address to serve at, 0.0.0.0 for all of this machine. Default: 127.0.0.1.',
    ),
    port: optional(
      wholeNumber(1, 65_535),
      'The UDP port to serve at. Default: the one that clients derive from the id.',
    ),
    echo: flag('Serve the method "echo", as it does without --bare.'),
    bare: flag(
      'Answer bare messages instead, those of peers that know only the 20-byte header: the same '
        + 'seq, ack + 1 and payload.',
    ),
    'receive-buffer': optional(
      wholeNumber(0, RECEIVE_BUFFER_MAX, 'BYTES'),
      'What SO_RCVBUF is set to; the kernel doubles it. Default: net.core.rmem_default.',
    ),
  },
  run: async (values, operands, shell) => {
    noOperands(operands);
    if (values.echo && values.bare) throw new Misuse('--echo and --bare exclude each other');
    const { id } = values;
    const place = placeOf(values);
    const { interruption } = shell;
    const transport = await openAt(place, values['receive-buffer']);
    const endpoint = createEndpoint({ transport });
    if (values.bare) serveBare(endpoint, id);
    else endpoint.serve(id, { echo: (input) => input });
    announce(shell, place, id);
    await aborted(interruption);
    await endpoint.close();
    return 0;
  },
});

/** The documented rule and nothing else. */
function serveBare(endpoint: Endpoint, id: ConnectorId): void {
  endpoint.on(id, (message) => endpoint.reply(message, message.payload));
}

function announce(shell: Shell, place: Place, id: ConnectorId): void {
  const { transport, ...address } = place;
  if (shell.json) shell.object({ listening: { ...address, id: formatId(id) } });
  else shell.text(`serving ${formatId(id)} at ${placeText(place)}; ctrl-c ends it`);
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
