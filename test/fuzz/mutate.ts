import type { SeededRandom } from '../../core/random.ts';
import * as frame from '../../transport/wire/frame.ts';

const EDGES = [0, 1, 2, 3, 20, 36, 0x7fff, 0x8000, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff];
const KINDS = [
  frame.OPEN, frame.OPENED, frame.REFUSED, frame.RESET, frame.DATA,
  frame.EVENT, frame.ASK, frame.NEWS,
  frame.REQUEST, frame.REPLY, frame.CANCEL, frame.CLOSE, frame.PING,
];

function pick<T>(random: SeededRandom, list: readonly T[]): T {
  return list[random.integer(0, list.length - 1)]!;
}

/** A datagram of nothing in particular. */
export function garbage(random: SeededRandom): Uint8Array {
  const length = random.chance(0.1) ? random.integer(0, 2000) : random.integer(0, 120);
  return Uint8Array.from({ length }, () => random.u32() & 0xff);
}

/** A copy of a datagram with a few things wrong in it. */
export function mutated(random: SeededRandom, corpus: readonly Uint8Array[]): Uint8Array {
  let bytes: Uint8Array = pick(random, corpus).slice();
  for (let times = random.integer(1, 4); times > 0 && bytes.length > 0; times--) {
    bytes = mutatedOnce(random, bytes, corpus);
  }
  if (bytes.length >= 4 && random.chance(0.5)) {
    new DataView(bytes.buffer).setUint32(0, bytes.length, true); // so that more of it is looked at
  }
  return bytes;
}

function mutatedOnce(
  random: SeededRandom,
  bytes: Uint8Array,
  corpus: readonly Uint8Array[],
): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const at = random.integer(0, bytes.length - 1);
  const aligned = at & ~3;
  switch (random.integer(0, 8)) {
    case 0:
      bytes[at]! ^= 1 << random.integer(0, 7);
      return bytes;
    case 1:
      bytes[at] = random.u32() & 0xff;
      return bytes;
    case 2:
      if (aligned + 4 <= bytes.length) view.setUint32(aligned, pick(random, EDGES), true);
      return bytes;
    case 3:
      if (aligned + 4 <= bytes.length) {
        const near = view.getUint32(aligned, true) + random.integer(-3, 3);
        view.setUint32(aligned, near >>> 0, true);
      }
      return bytes;
    case 4:
      if (aligned + 2 <= bytes.length) view.setUint16(aligned, random.integer(0, 100), true);
      return bytes;
    case 5:
      if (bytes.length >= 36) view.setUint16(34, pick(random, KINDS), true);
      return bytes;
    case 6:
      return bytes.slice(0, at);
    case 7:
      return new Uint8Array(Buffer.concat([bytes, pick(random, corpus).subarray(at)]));
    default: {
      const rest = bytes.subarray(aligned, aligned + 4 * random.integer(0, 12));
      return new Uint8Array(Buffer.concat([bytes.subarray(0, at), rest, bytes.subarray(at)]));
    }
  }
}
