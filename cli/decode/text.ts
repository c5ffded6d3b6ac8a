import type { Description, MessageDescription } from './session.ts';
import { COLUMNS } from '../help.ts';

/** Bytes of payload on one line: 16, in groups of four, as kernel people read them. */
const BYTES_A_LINE = 16;
const LABEL = 10;

/** A datagram's description for people, a block for each message. */
export function textOf({ messages, trailing }: Description): string[] {
  const blocks = messages.flatMap((message, at) => [
    ...(at === 0 ? [] : ['']),
    ...messageText(message, messages[at - 1]),
  ]);
  if (trailing === 0) return blocks;
  return [...blocks, '', `and ${trailing} bytes that nobody reads`];
}

function messageText(
  { nlmsg, cn, kind, fields = {}, payload }: MessageDescription,
  before: MessageDescription | undefined,
): string[] {
  const lines: string[] = [];
  // The messages of one bundle share their netlink header.
  if (before?.nlmsg !== nlmsg) {
    const { length, type, flags, seq, pid } = nlmsg;
    lines.push(...labelled('nlmsghdr', { length, type, flags, seq, pid }));
  }
  const { id, seq, ack, length, flags } = cn;
  lines.push(...labelled('cn_msg', { id, seq, ack, length, flags: `0x${flags.toString(16)}` }));
  if (kind !== undefined) lines.push(...labelled(kind, fields));
  for (let at = 0; at < payload.length; at += 2 * BYTES_A_LINE) {
    const groups = payload.slice(at, at + 2 * BYTES_A_LINE).match(/.{1,8}/g) ?? [];
    lines.push((at === 0 ? 'payload' : '').padEnd(LABEL) + groups.join(' '));
  }
  return lines;
}

/** A label and `name value` pairs, as many to a line as fit. */
function labelled(label: string, fields: Readonly<Record<string, string | number>>): string[] {
  const lines: string[] = [];
  let line = label.padEnd(LABEL);
  for (const [name, value] of Object.entries(fields)) {
    // A method's name is a peer's bytes, and a terminal obeys some of those.
    const shown = String(value).replace(/[^ -~]/g, '?');
    const pair = `${name} ${shown === '' ? '-' : shown}`;
    if (line.length + pair.length > COLUMNS && line.trim() !== '') {
      lines.push(line.trimEnd());
      line = ' '.repeat(LABEL);
    }
    line += `${pair}  `;
  }
  return [...lines, line.trimEnd()];
}
