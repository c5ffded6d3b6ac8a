import type { Kept } from './kept.ts';
import { seqDistance, seqPlus } from './sequence.ts';
import { assert } from '../core/assert.ts';

/** What a message's sequence number is to the receiver. */
export type Sighting =
  | 'new'
  | 'duplicate' // seen before, however long ago
  | 'beyond'; // further ahead than any honest peer goes

const WORDS_AT_FIRST = 2;

/**
 * Which messages of the peer were ever seen: the duplicate detection that exactly-once rests on,
 * kept apart from the replies so that evicting a reply never means executing again (semantics 9).
 *
 * Everything before `base` was seen; a bitmap holds what was seen out of order after it. It needs
 * no release by the peer: a sequence number is never left out (a call taken back still sends CANCEL
 * under its number), so the base always catches up. Copies from before a wrap never get here: they
 * travel in datagrams whose numbers do not wrap (reliability/received.ts).
 */
export class SeenSeqs {
  #base: number;
  /** Bit for `base + n` at ring position `(base + n) % size`; grows up to the window. */
  #bits = new Uint32Array(WORDS_AT_FIRST);
  readonly #window: number;

  /** `window` is a power of two, at least 64: how far ahead of `base` a number may be. */
  constructor(first: number, window: number) {
    assert(window >= 64 && (window & (window - 1)) === 0, 'the window is a power of two');
    this.#base = first;
    this.#window = window;
  }

  /** True if nothing was seen out of order: then `base` says it all. */
  get gapless(): boolean {
    return this.#bits.every((word) => word === 0);
  }

  /** Only for one without gaps. */
  suspend(kept: Kept): void {
    kept.put(this.#base);
  }

  resume(kept: Kept): void {
    this.#base = kept.take();
  }

  /** The oldest number not seen. */
  get base(): number {
    return this.#base;
  }

  /** Classifies a number without taking it. */
  sighting(seq: number): Sighting {
    const ahead = seqDistance(this.#base, seq);
    if (ahead < 0) return 'duplicate';
    if (ahead >= this.#window) return 'beyond';
    if (ahead >= this.#size()) return 'new';
    return this.#has(seq) ? 'duplicate' : 'new';
  }

  /** Takes a number that `sighting` called new. */
  add(seq: number): void {
    if (seq === this.#base) {
      do {
        this.#clear(this.#base);
        this.#base = seqPlus(this.#base, 1);
      } while (this.#has(this.#base));
      return;
    }
    while (seqDistance(this.#base, seq) >= this.#size()) this.#grow();
    this.#bits[this.#word(seq)]! |= 1 << (seq & 31);
  }

  #size(): number {
    return this.#bits.length * 32;
  }

  #word(seq: number): number {
    return (seq >>> 5) & (this.#bits.length - 1);
  }

  #has(seq: number): boolean {
    return ((this.#bits[this.#word(seq)]! >>> (seq & 31)) & 1) === 1;
  }

  #clear(seq: number): void {
    this.#bits[this.#word(seq)]! &= ~(1 << (seq & 31));
  }

  #grow(): void {
    const before = this.#bits;
    const size = this.#size();
    this.#bits = new Uint32Array(before.length * 2);
    for (let ahead = 0; ahead < size; ahead++) {
      const seq = seqPlus(this.#base, ahead);
      const set = (before[(seq >>> 5) & (before.length - 1)]! >>> (seq & 31)) & 1;
      if (set === 1) this.#bits[this.#word(seq)]! |= 1 << (seq & 31);
    }
  }
}
