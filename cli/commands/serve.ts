import { command, type Command } from '../command.ts';
import { connectorId, oneOf, wholeNumber } from '../kinds.ts';
import { Misuse } from '../misuse.ts';
import { flag, needed, option, optional } from '../options.ts';
import { noOperands } from '../operands.ts';
import type { Shell } from '../shell.ts';
import { formatId, type ConnectorId } from '../../core/id.ts';
import { createEndpoint, type Endpoint } from '../../sessions/endpoint.ts';
import { openNetlink, portidOf } from '../../transport/netlink/netlink.ts';

/** As given to SO_RCVBUF, which is an int that the kernel doubles. */
export const RECEIVE_BUFFER_MAX = 0x3fff_ffff;

export const serve: Command = command({
  name: 'serve',
  operands: '',
  summary: 'Answer calls to a connector id.',
  details: [
    'Serves the method "echo", which answers with what it is given, JSON or bytes, until SIGINT or '
      + 'SIGTERM; then it finishes the calls that run and ends.',
    'Any user may serve at any free portid, so a portid says nothing about who is behind it.',
    'With --json it prints {"listening": {"portid": N, "id": "IDX:VAL"}} as soon as it serves.',
  ],
  options: {
    transport: option(oneOf('netlink'), 'What to serve over.', 'netlink'),
    id: needed(connectorId, 'The connector id to serve.'),
    portid: optional(
      wholeNumber(1, 0xffff_ffff),
      'The address to serve at. Default: the one that clients derive from the id.',
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
    const { id, portid = portidOf(id), 'receive-buffer': receiveBuffer } = values;
    const transport = openNetlink({
      portid,
      ...(receiveBuffer === undefined ? {} : { receiveBuffer }),
    });
    const { interruption } = shell;
    const endpoint = createEndpoint({ transport });
    if (values.bare) serveBare(endpoint, id);
    else endpoint.serve(id, { echo: (input) => input });
    announce(shell, portid, id);
    await aborted(interruption);
    await endpoint.close();
    return 0;
  },
});

/** The documented rule and nothing else. */
function serveBare(endpoint: Endpoint, id: ConnectorId): void {
  endpoint.on(id, (message) => endpoint.reply(message, message.payload));
}

function announce(shell: Shell, portid: number, id: ConnectorId): void {
  if (shell.json) shell.object({ listening: { portid, id: formatId(id) } });
  else shell.text(`serving ${formatId(id)} at portid ${portid}; ctrl-c ends it`);
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
