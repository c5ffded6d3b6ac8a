import { Slab } from './slab.ts';

/** Up to so many bytes, messages share chunks of so many; longer ones get memory of their own. */
const SHARED = [
  { max: 512, chunk: 4096 },
  { max: 4096, chunk: 16_384 },
] as const;

/**
 * Memory for encoded messages, which are written where they stay and never written over. Short ones
 * share chunks: an `ArrayBuffer` costs 0.5 us and more (malloc, and V8's list of what to free), a
 * view of a shared one 0.1 us, a place in one nothing.
 */
export class Arena {
  readonly #chunks = SHARED.map(({ chunk }) => ({ length: chunk, slab: new Slab(0), taken: 0 }));
  /** Where the message of the last `reserve` is to be written: in `slab`, from `at` on. */
  slab: Slab = new Slab(0);
  at = 0;

  /** Takes memory of `length` bytes, a multiple of 4, all zero; gives where it begins. */
  reserve(length: number): number {
    const chunk = this.#chunks[length <= SHARED[0].max ? 0 : 1]!;
    if (length > SHARED[1].max) {
      this.slab = new Slab(length);
      this.at = 0;
      return 0;
    }
    if (chunk.taken + length > chunk.slab.bytes.length) {
      chunk.slab = new Slab(chunk.length);
      chunk.taken = 0;
    }
    this.slab = chunk.slab;
    this.at = chunk.taken;
    chunk.taken += length;
    return this.at;
  }
}
