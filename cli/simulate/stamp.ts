import { SeededRandom } from '../../core/random.ts';

/** The shortest payload that names its call. */
export const STAMP_LENGTH = 8;
const CHECK = 0x5eed_ca11;
const OFFSETS = 251;
/** The longest payload. */
export const LONGEST: number = 1 << 20;

/** Which way a payload goes; a request handed back as its own reply must not look like one. */
export type Way = 'request' | 'reply';

/** Noise, so that bytes in the wrong place or of another payload show. */
const noise = new Uint8Array(LONGEST + OFFSETS);
for (let at = 0, random = new SeededRandom(7); at < noise.length; at++) {
  noise[at] = random.u32() & 0xff;
}

/** A payload that names a call in its first bytes and goes on with noise of the call's own. */
export function stamped(id: number, way: Way, length: number): Uint8Array {
  const from = id % OFFSETS;
  const bytes = noise.slice(from, from + length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, id);
  view.setUint32(4, check(id, way, length));
  return bytes;
}

/** The call that a payload names; undefined if it is not, to the byte, what `stamped` made. */
export function idOf(bytes: Uint8Array, way: Way): number | undefined {
  if (bytes.length < STAMP_LENGTH) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const id = view.getUint32(0);
  if (view.getUint32(4) !== check(id, way, bytes.length)) return undefined;
  const from = id % OFFSETS;
  const rest = noise.subarray(from + STAMP_LENGTH, from + bytes.length);
  return Buffer.compare(bytes.subarray(STAMP_LENGTH), rest) === 0 ? id : undefined;
}

function check(id: number, way: Way, length: number): number {
  return (id ^ CHECK ^ (way === 'request' ? 0 : 1) ^ (length << 8)) >>> 0;
}
