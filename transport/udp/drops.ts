import { readFileSync } from 'node:fs';
import { LITTLE_ENDIAN } from '../../core/slab.ts';

/**
 * How many datagrams a bound socket has lost to a full receive queue: the last column of
 * /proc/net/udp. Undefined where there is none. Not for the hot path: the kernel writes a line for
 * each UDP socket of the machine.
 */
export function readDrops(host: string, port: number): number | undefined {
  let table: string;
  try {
    table = readFileSync('/proc/net/udp', 'latin1');
  } catch {
    return undefined; // not Linux, or no /proc
  }
  const key = ` ${entryOf(host, port)} `;
  const line = table.split('\n').find((each) => each.includes(key));
  const drops = Number(line?.trim().split(/\s+/).at(-1) ?? NaN);
  return Number.isInteger(drops) ? drops : undefined;
}

/** As the kernel writes it: the address as a word of the machine in memory order, and the port. */
function entryOf(host: string, port: number): string {
  const bytes = host.split('.').map(Number);
  if (LITTLE_ENDIAN) bytes.reverse();
  return `${bytes.map((byte) => hex(byte, 2)).join('')}:${hex(port, 4)}`;
}

function hex(value: number, digits: number): string {
  return value.toString(16).toUpperCase().padStart(digits, '0');
}
