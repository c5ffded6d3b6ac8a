import { Slab } from './slab.ts';

/** V8 keeps shorter arrays on its own heap, where they are cheap. */
const SHARED_MIN = 65;
/** Longer messages get memory of their own. */
const SHARED_MAX = 512;
/** What several messages share. It lives as long as any of them. */
const CHUNK = 4096;

/**
 * A slab to encode messages in, and the memory for those that are kept. An `ArrayBuffer` for each
 * costs 0.5 us and more (malloc, and V8's list of what to free); for a view of a shared one it is
 * 0.1 us.
 */
export class Scratch extends Slab {
  #chunk: Uint8Array = new Uint8Array(0);
  #taken = 0;

  /** Copies the first `length` bytes to where they may stay. */
  keep(length: number): Uint8Array {
    if (length < SHARED_MIN || length > SHARED_MAX) return this.bytes.slice(0, length);
    if (this.#taken + length > this.#chunk.length) {
      this.#chunk = new Uint8Array(CHUNK);
      this.#taken = 0;
    }
    const at = this.#taken;
    this.#taken += length;
    const kept = new Uint8Array(this.#chunk.buffer, at, length);
    kept.set(this.bytes.subarray(0, length));
    return kept;
  }
}
