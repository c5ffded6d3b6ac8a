import { text as readAll } from 'node:stream/consumers';
import { command, type Command } from '../command.ts';
import { describe } from '../decode/session.ts';
import { textOf } from '../decode/text.ts';
import { readHex } from '../kinds.ts';
import { Failure, Misuse } from '../misuse.ts';
import { NLMSG_HEADER } from '../../transport/wire/nlmsg.ts';
import { CN_MSG_HEADER } from '../../transport/wire/cnmsg.ts';
import { decodeDatagram, type Malformation } from '../../transport/wire/datagram.ts';

export const decode: Command = command({
  name: 'decode',
  operands: 'HEX',
  summary: 'Print the headers of a datagram.',
  details: [
    'HEX is a whole datagram, netlink header first, in this machine\'s byte order; white space may '
      + 'stand in it. With "-" it is read from stdin. Datagrams of a session (docs/PROTOCOL.md) '
      + 'are explained field by field. Bytes that cannot be read get a reason and the exit code 1.',
  ],
  options: {},
  run: async (_values, operands, shell) => {
    if (operands.length === 0) throw new Misuse('HEX is needed, or - to read it from stdin');
    const fromStdin = operands.length === 1 && operands[0] === '-';
    const bytes = readHex(fromStdin ? await readAll(process.stdin) : operands.join(''));
    if (bytes === undefined) throw new Misuse('HEX takes bytes, two hexadecimal digits each');
    const decoded = decodeDatagram(bytes);
    if (!decoded.ok) throw new Failure(decoded.reason, reasonOf(decoded.reason, bytes.length));
    const description = describe(bytes, decoded);
    if (shell.json) shell.object(description);
    else shell.text(...textOf(description));
    if (description.malformed === undefined) return 0;
    shell.complain(`malformed: ${description.malformed}`);
    return 1;
  },
});

function reasonOf(reason: Malformation, length: number): string {
  switch (reason) {
    case 'short': {
      const least = NLMSG_HEADER + CN_MSG_HEADER;
      return `short: the headers have ${least} bytes, and the datagram only ${length}`;
    }
    case 'nlmsg-length':
      return `nlmsg-length: nlmsg_len is below 36 or beyond the ${length} bytes of the datagram`;
    case 'cn-length':
      return 'cn-length: cn_msg.len is beyond the end of its netlink message';
  }
}
