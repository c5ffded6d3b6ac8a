import { Slab } from './slab.ts';

/** Messages of up to so many bytes share chunks; longer ones get memory of their own. */
const SHARED_MAX = 4096;
const CHUNK = 16_384;

/**
 * Memory for encoded messages, which are written where they stay and never written over. Most share
 * chunks: an `ArrayBuffer` costs 0.5 us and more (malloc, and V8's list of what to free), a view of
 * a shared one 0.1 us, a place in one nothing.
 */
export class Arena {
  #chunk = new Slab(0);
  #taken = 0;
  /** Where the message of the last `reserve` is to be written: in `slab`, from `at` on. */
  slab: Slab = new Slab(0);
  at = 0;

  /** Takes memory of `length` bytes, a multiple of 4, all zero; gives where it begins. */
  reserve(length: number): number {
    if (length > SHARED_MAX) {
      this.slab = new Slab(length);
      this.at = 0;
      return 0;
    }
    if (this.#taken + length > this.#chunk.bytes.length) {
      this.#chunk = new Slab(CHUNK);
      this.#taken = 0;
    }
    if (this.slab !== this.#chunk) this.slab = this.#chunk; // to write it costs more than to ask
    this.at = this.#taken;
    this.#taken += length;
    return this.at;
  }
}
