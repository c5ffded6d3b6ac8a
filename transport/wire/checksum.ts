import { crc32 } from 'node:zlib';
import { AT_CHECKSUM } from './frame.ts';
import { LITTLE_ENDIAN, type Slab } from '../../core/slab.ts';

/** Stamps the CRC-32 of the session datagram at slab[start, end) into its envelope. */
export function stampChecksum(slab: Slab, start: number, end: number): void {
  slab.view.setUint32(start + AT_CHECKSUM, checksum(slab, start, end), LITTLE_ENDIAN);
}

/** True if the session datagram at slab[start, end) carries its own CRC-32. Leaves it unchanged. */
export function verifyChecksum(slab: Slab, start: number, end: number): boolean {
  return slab.view.getUint32(start + AT_CHECKSUM, LITTLE_ENDIAN) === checksum(slab, start, end);
}

/** The CRC-32 (IEEE, as in zlib) of the bytes before the field and then those after it. */
function checksum(slab: Slab, start: number, end: number): number {
  const before = crc32(slab.bytes.subarray(start, start + AT_CHECKSUM));
  return crc32(slab.bytes.subarray(start + AT_CHECKSUM + 4, end), before);
}
