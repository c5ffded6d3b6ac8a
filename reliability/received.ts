import type { Kept } from './kept.ts';
import { DATA_BITMAP, TRACKED_DATAGRAMS } from '../transport/wire/frame.ts';
import { LITTLE_ENDIAN, type Slab } from '../core/slab.ts';

/** How far a datagram number may jump, and where numbers end: they are exact up to 2^53. */
export const JUMP_MAX = 65_536;
export const NUMBER_MAX: number = 2 ** 53 - JUMP_MAX;

/** What a datagram number is to a receiver. */
export type Arrival =
  | 'new' // never seen
  | 'late' // never seen, but the sender has given it up: still good, and worth telling the sender
  | 'duplicate' // seen before
  | 'stale'; // too old to tell; dropped, because it may have been seen

/**
 * Which of the peer's datagrams have come. It answers two questions: is this one new (so that a
 * copy made by the network, however late, stops here), and what is to be acknowledged.
 *
 * Numbers never wrap (53 bits), so a copy from any time in the past is recognised. A sender keeps
 * all numbers that it still waits for within 512 of each other, so 512 bits are enough for ever.
 */
export class Received {
  /** Everything below has come, or the sender no longer waits for it. */
  #base: number;
  /** One more than the highest number that has come. */
  #top: number;
  /** Bit `number % 512`: whether that number has come, for the 512 numbers below `top`. */
  readonly #bits = new Uint32Array(TRACKED_DATAGRAMS / 32);

  constructor(first: number) {
    this.#base = first;
    this.#top = first;
    // What is below the first number never existed: as seen, it is refused as a duplicate.
    this.#bits.fill(0xffff_ffff);
  }

  /** Numbers that never came stay so: the bits are left out only if there is none among them. */
  suspend(kept: Kept): void {
    const gapless = this.#bits.every((word) => word === 0xffff_ffff);
    kept.put(this.#base, this.#top, gapless ? 1 : 0);
    if (!gapless) kept.put(...this.#bits);
  }

  resume(kept: Kept): void {
    this.#base = kept.take();
    this.#top = kept.take();
    if (kept.take() === 1) return; // as a new one has them
    for (let word = 0; word < this.#bits.length; word++) this.#bits[word] = kept.take();
  }

  get base(): number {
    return this.#base;
  }

  /** One more than the highest number that has come. */
  get top(): number {
    return this.#top;
  }

  /** Classifies a number without taking it. */
  arrival(number: number): Arrival {
    if (number >= this.#top) return 'new';
    if (number < this.#top - TRACKED_DATAGRAMS) return 'stale';
    if (this.#has(number)) return 'duplicate';
    return number < this.#base ? 'late' : 'new';
  }

  /**
   * Takes a number that `arrival` called new or late, with the sender's floor: it has stopped
   * waiting for everything below. The caller has checked floor <= number < floor + 512.
   */
  accept(number: number, floor: number): void {
    if (number >= this.#top) {
      // Beyond a jump of 512 each bit is cleared once: none of those numbers has come.
      const from = Math.max(this.#top, number - TRACKED_DATAGRAMS + 1);
      for (let missing = from; missing < number; missing++) this.#clear(missing);
      this.#top = number + 1;
    }
    this.#bits[(number >>> 5) & 15]! |= 1 << (number & 31);
    if (floor > this.#base) this.#base = Math.min(floor, this.#top);
    while (this.#base < this.#top && this.#has(this.#base)) this.#base += 1;
  }

  /** Writes the bitmap from the base on behind the DATA envelope at `at`; gives its words. */
  writeBitmap(slab: Slab, at: number): number {
    const words = (this.#top - this.#base + 31) >>> 5;
    for (let word = 0; word < words; word++) {
      const from = this.#base + 32 * word;
      slab.view.setUint32(at + DATA_BITMAP + 4 * word, this.#word(from), LITTLE_ENDIAN);
    }
    return words;
  }

  #word(from: number): number {
    const index = (from >>> 5) & 15;
    const shift = from & 31;
    let word = this.#bits[index]! >>> shift;
    if (shift > 0) word |= this.#bits[(index + 1) & 15]! << (32 - shift);
    // Bits from the top on still belong to numbers 512 lower.
    const valid = this.#top - from;
    return valid >= 32 ? word >>> 0 : (word & ((1 << valid) - 1)) >>> 0;
  }

  #has(number: number): boolean {
    return ((this.#bits[(number >>> 5) & 15]! >>> (number & 31)) & 1) === 1;
  }

  #clear(number: number): void {
    this.#bits[(number >>> 5) & 15]! &= ~(1 << (number & 31));
  }
}
