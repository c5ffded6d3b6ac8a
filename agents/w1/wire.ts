import { required } from '../../core/errors.ts';
import { LITTLE_ENDIAN, Slab } from '../../core/slab.ts';

/**
 * The bytes of w1 in a cn_msg: one or more `w1_netlink_msg` of 12 bytes, each with
 * `w1_netlink_cmd` of 4 bytes and their data behind it (KF §3.1, real-kernel §7).
 */

/** What a `w1_netlink_msg` is: 0 to 3 are events, 4 to 6 are asked. */
export const types = {
  slaveAdd: 0,
  slaveRemove: 1,
  masterAdd: 2,
  masterRemove: 3,
  masterCommand: 4,
  slaveCommand: 5,
  listMasters: 6,
} as const;

/** The numbers of the commands in `w1_netlink_cmd`. */
export const codes = {
  read: 0,
  write: 1,
  search: 2,
  'alarm-search': 3,
  touch: 4,
  reset: 5,
  'add-slave': 6,
  'remove-slave': 7,
  'list-slaves': 8,
} as const;

/** `sizeof(struct w1_netlink_msg)`. */
export const MESSAGE_HEADER = 12;
/** `sizeof(struct w1_netlink_cmd)`. */
export const COMMAND_HEADER = 4;
/** The registration number of a slave: family, 48 bits of serial number, CRC-8. */
export const SLAVE_ID = 8;

/** One command, or the answer to one. */
export interface WireCommand {
  readonly code: number;
  readonly data: Uint8Array;
}

/** One `w1_netlink_msg`. The bytes are views of those that were decoded. */
export interface WireMessage {
  readonly type: number;
  /** A positive errno; 255 (-1 in 8 bits) for a reset that no slave answered. */
  readonly status: number;
  /** 8 bytes: a slave's registration number, or a master's number in the first four. */
  readonly id: Uint8Array;
  readonly data: Uint8Array;
}

/** Encodes a message without status. Throws `invalid-argument` if it is longer than 16 bits say. */
export function encodeMessage(
  type: number,
  id: Uint8Array,
  commands: readonly WireCommand[],
): Uint8Array<ArrayBuffer> {
  const length = commands.reduce((sum, { data }) => sum + COMMAND_HEADER + data.length, 0);
  required(length <= 0xffff, `w1 takes at most 65535 bytes of commands, not ${length}`);
  const slab = new Slab(new Uint8Array(MESSAGE_HEADER + length));
  const { bytes, view } = slab;
  view.setUint8(0, type);
  view.setUint16(2, length, LITTLE_ENDIAN);
  bytes.set(id, 4);
  let at = MESSAGE_HEADER;
  for (const { code, data } of commands) {
    view.setUint8(at, code);
    view.setUint16(at + 2, data.length, LITTLE_ENDIAN);
    bytes.set(data, at + COMMAND_HEADER);
    at += COMMAND_HEADER + data.length;
  }
  return bytes as Uint8Array<ArrayBuffer>;
}

/** Decodes the payload of a cn_msg up to the first message that is not whole. Never throws. */
export function decodeMessages(payload: Uint8Array): WireMessage[] {
  const { view } = new Slab(payload);
  const messages: WireMessage[] = [];
  let at = 0;
  while (payload.length - at >= MESSAGE_HEADER) {
    const end = at + MESSAGE_HEADER + view.getUint16(at + 2, LITTLE_ENDIAN);
    if (end > payload.length) break;
    messages.push({
      type: view.getUint8(at),
      status: view.getUint8(at + 1),
      id: payload.subarray(at + 4, at + MESSAGE_HEADER),
      data: payload.subarray(at + MESSAGE_HEADER, end),
    });
    at = end;
  }
  return messages;
}

/** Decodes the commands of a message up to the first that is not whole. Never throws. */
export function decodeCommands(data: Uint8Array): WireCommand[] {
  const { view } = new Slab(data);
  const commands: WireCommand[] = [];
  let at = 0;
  while (data.length - at >= COMMAND_HEADER) {
    const end = at + COMMAND_HEADER + view.getUint16(at + 2, LITTLE_ENDIAN);
    if (end > data.length) break;
    commands.push({ code: view.getUint8(at), data: data.subarray(at + COMMAND_HEADER, end) });
    at = end;
  }
  return commands;
}

/** Decodes the numbers of masters; bytes that make no whole number are left out. */
export function decodeMasters(data: Uint8Array): number[] {
  const { view } = new Slab(data);
  const count = data.length >>> 2;
  return Array.from({ length: count }, (_, index) => view.getUint32(4 * index, LITTLE_ENDIAN));
}

/** Encodes a master's number as the id of a message. */
export function encodeMaster(master: number): Uint8Array {
  const slab = new Slab(new Uint8Array(SLAVE_ID));
  slab.view.setUint32(0, master, LITTLE_ENDIAN);
  return slab.bytes;
}
