import type { Piece, Value } from './inflow.ts';
import { widen } from './sequence.ts';
import { assert } from '../core/assert.ts';
import { PIECE_CONTINUES, PIECE_COST, PIECE_END } from '../transport/wire/frame.ts';

const EMPTY = new Uint8Array(0);

/**
 * The sending end of a flow of values: cuts them into pieces, no more than the receiver has granted
 * (semantics 14). One value is under the knife at a time; whoever has more waits for `idle`.
 */
export class Outflow {
  readonly #pieceMax: number;
  /** What may have been sent in all, and what was, in cost; exact up to 2^53. */
  #limit: number;
  #sent = 0;
  #position = 0;
  #value: Value | undefined;
  #at = 0;
  #ending = false;
  #ended = false;

  /** `granted` may be sent before the receiver says more; a piece has `pieceMax` bytes at most. */
  constructor(granted: number, pieceMax: number) {
    this.#limit = granted;
    this.#pieceMax = pieceMax;
  }

  /** How many pieces have been cut. */
  get position(): number {
    return this.#position;
  }

  /** True if nothing waits to be cut. */
  get idle(): boolean {
    return this.#value === undefined && this.#ending === this.#ended;
  }

  write(value: Value): void {
    assert(this.idle && !this.#ending, 'one value at a time, and none after the end');
    this.#value = value;
    this.#at = 0;
  }

  /** Says that there are no further values. */
  end(): void {
    assert(!this.#ending, 'a flow ends once');
    this.#ending = true;
  }

  /** Takes the receiver's limit, modulo 2^32; an older one changes nothing. */
  setLimit(limit: number): void {
    this.#limit = Math.max(this.#limit, widen(limit, this.#limit));
  }

  /** The next piece, if there is one and the credit allows it. */
  poll(): Piece | undefined {
    const value = this.#value;
    if (value === undefined && (!this.#ending || this.#ended)) return undefined;
    const left = value === undefined ? 0 : value.bytes.length - this.#at;
    const length = Math.min(left, this.#pieceMax);
    if (this.#sent + length + PIECE_COST > this.#limit) return undefined;
    const position = this.#position >>> 0;
    this.#position += 1;
    this.#sent += length + PIECE_COST;
    if (value === undefined) {
      this.#ended = true;
      return { position, flags: PIECE_END, format: 0, bytes: EMPTY };
    }
    const bytes = value.bytes.subarray(this.#at, this.#at + length);
    this.#at += length;
    const flags = length < left ? PIECE_CONTINUES : 0;
    if (flags === 0) this.#value = undefined;
    return { position, flags, format: value.format, bytes };
  }
}
