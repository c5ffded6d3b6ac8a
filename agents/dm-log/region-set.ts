import { assert } from '../../core/assert.ts';

/** A set of regions, one bit each, low bits first: as it is in memory, so it is in the file. */
export class RegionSet {
  readonly count: number;
  readonly bytes: Uint8Array;
  #size = 0;

  /** `bytes`: what another set of `count` regions had; by default the set is empty. */
  constructor(count: number, bytes: Uint8Array = new Uint8Array(Math.ceil(count / 8))) {
    assert(bytes.length === Math.ceil(count / 8), 'a region is a bit');
    this.count = count;
    this.bytes = bytes;
    if (count % 8 !== 0) bytes[bytes.length - 1]! &= (1 << (count % 8)) - 1;
    for (const byte of bytes) this.#size += bitsIn(byte);
  }

  /** How many regions are in it. */
  get size(): number {
    return this.#size;
  }

  has(region: number): boolean {
    return ((this.bytes[region >>> 3]! >>> (region & 7)) & 1) === 1;
  }

  add(region: number): void {
    if (this.has(region)) return;
    this.bytes[region >>> 3]! |= 1 << (region & 7);
    this.#size += 1;
  }

  delete(region: number): void {
    if (!this.has(region)) return;
    this.bytes[region >>> 3]! &= ~(1 << (region & 7));
    this.#size -= 1;
  }

  /** How many regions are in this set and in another of as many. */
  sizeWith(other: RegionSet): number {
    let size = 0;
    for (const [at, byte] of this.bytes.entries()) size += bitsIn(byte & other.bytes[at]!);
    return size;
  }

  /** The first region from `from` on that is not in it; `count` if all are. */
  firstMissing(from: number): number {
    let region = from;
    while (region < this.count) {
      if ((region & 7) === 0 && this.bytes[region >>> 3] === 0xff) region += 8;
      else if (this.has(region)) region += 1;
      else return region;
    }
    return this.count;
  }
}

function bitsIn(byte: number): number {
  let bits = 0;
  for (let rest = byte; rest !== 0; rest &= rest - 1) bits += 1;
  return bits;
}
