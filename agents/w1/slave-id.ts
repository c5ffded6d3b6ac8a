import { SLAVE_ID } from './wire.ts';
import { required } from '../../core/errors.ts';

/**
 * A slave as the kernel names it in /sys/bus/w1/devices: family and serial number in lower-case
 * hexadecimal, `28-00000a1b2c3d`. The CRC is not part of the name.
 */
export type SlaveId = string;

const NAME = /^[0-9a-f]{2}-[0-9a-f]{12}$/;

/** Writes the 8 bytes of a registration number, with its CRC. Throws `invalid-argument`. */
export function encodeSlaveId(id: SlaveId): Uint8Array {
  required(NAME.test(id), `a slave is FF-SSSSSSSSSSSS in lower-case hexadecimal, not "${id}"`);
  const bytes = new Uint8Array(SLAVE_ID);
  bytes[0] = Number.parseInt(id.slice(0, 2), 16);
  for (let index = 0; index < 6; index++) {
    bytes[6 - index] = Number.parseInt(id.slice(3 + 2 * index, 5 + 2 * index), 16);
  }
  bytes[7] = crc8(bytes.subarray(0, 7));
  return bytes;
}

/** Reads a registration number; undefined if its CRC is wrong, as noise on the bus makes it. */
export function decodeSlaveId(bytes: Uint8Array): SlaveId | undefined {
  if (bytes.length < SLAVE_ID || crc8(bytes.subarray(0, 7)) !== bytes[7]) return undefined;
  const hex = Array.from(bytes.subarray(0, 7), (byte) => byte.toString(16).padStart(2, '0'));
  return `${hex[0]}-${hex.slice(1).reverse().join('')}`;
}

/** Reads the registration numbers that a search found; those with a wrong CRC are left out. */
export function decodeSlaveIds(data: Uint8Array): SlaveId[] {
  const ids: SlaveId[] = [];
  for (let at = 0; at + SLAVE_ID <= data.length; at += SLAVE_ID) {
    const id = decodeSlaveId(data.subarray(at, at + SLAVE_ID));
    if (id !== undefined) ids.push(id);
  }
  return ids;
}

/** The CRC of the 1-Wire bus: x^8 + x^5 + x^4 + 1, low bit first. */
function crc8(bytes: Uint8Array): number {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x8c : crc >>> 1;
  }
  return crc;
}
