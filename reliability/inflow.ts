import Denque from 'denque';
import { widen } from './sequence.ts';
import { PIECE_CONTINUES, PIECE_COST, PIECE_END } from '../transport/wire/frame.ts';

/** One value as it travels. */
export interface Value {
  readonly format: number;
  readonly bytes: Uint8Array;
}

/** One piece as it came. Its bytes may be the transport's: they are copied when it is taken. */
export interface Piece extends Value {
  /** Its position, modulo 2^32. */
  readonly position: number;
  readonly flags: number;
}

/**
 * What a piece is to its receiver. `beyond`: more than was granted, or than a value may have; no
 * honest peer goes there.
 */
export type PieceSighting = 'new' | 'duplicate' | 'beyond';

/**
 * The receiving end of a flow of values, which travel in pieces: puts the pieces in order, joins
 * values of several, and grants credit as values are taken, so that a slow taker bounds what its
 * peer may send (semantics 14). Pieces come at least once and in any order. What is kept never
 * costs more than the window, but for one value that is being joined: that is paid for by its
 * sender, byte by byte, up to the longest value allowed.
 */
export class Inflow {
  readonly #window: number;
  readonly #valueMax: number;
  /** The position to come next; exact up to 2^53, and so are the costs. */
  #next = 0;
  readonly #held = new Map<number, Piece>();
  readonly #parts: Uint8Array[] = [];
  #partBytes = 0;
  #joiningCost = 0;
  readonly #values = new Denque<Value & { readonly cost: number }>();
  #receivedCost = 0;
  #takenCost = 0;
  #granted: number;
  #ended = false;

  /** `granted` is what the sender may send before it hears of us. Values have `valueMax` bytes. */
  constructor(window: number, granted: number, valueMax: number) {
    this.#window = window;
    this.#granted = granted;
    this.#valueMax = valueMax;
  }

  /** How many pieces have come without a gap. */
  get position(): number {
    return this.#next;
  }

  /** What is kept here costs: its bytes, and 64 for each piece, as an empty one takes room, too. */
  get cost(): number {
    return this.#receivedCost - this.#takenCost;
  }

  /** True if a value waits to be taken. */
  get ready(): boolean {
    return this.#values.length > 0;
  }

  /** True once the sender's last piece and all before it have come. */
  get ended(): boolean {
    return this.#ended;
  }

  accept(piece: Piece): PieceSighting {
    const position = widen(piece.position, this.#next);
    if (position < this.#next || this.#held.has(position)) return 'duplicate';
    const cost = piece.bytes.length + PIECE_COST;
    // Each piece costs something, so a position tells the least that was sent before it.
    const least = Math.max(this.#receivedCost + cost, (position + 1) * PIECE_COST);
    if (least > this.#granted || this.#ended) return 'beyond';
    this.#receivedCost += cost;
    this.#held.set(position, { ...piece, bytes: piece.bytes.slice() });
    for (let next = this.#pull(); next !== undefined; next = this.#pull()) {
      if (!this.#join(next)) return 'beyond';
    }
    return 'new';
  }

  /** Takes the next whole value. */
  take(): Value | undefined {
    const value = this.#values.shift();
    if (value === undefined) return undefined;
    this.#takenCost += value.cost;
    return value;
  }

  /** The limit that the sender should hear of now, modulo 2^32; undefined if that can wait. */
  pollCredit(): number | undefined {
    const limit = this.#takenCost + this.#joiningCost + this.#window;
    if (this.#ended || limit - this.#granted < this.#window / 2) return undefined;
    this.#granted = limit;
    return limit >>> 0;
  }

  #pull(): Piece | undefined {
    const piece = this.#held.get(this.#next);
    if (piece === undefined) return undefined;
    this.#held.delete(this.#next);
    this.#next += 1;
    return piece;
  }

  /** Takes the next piece in order; false if it makes its value longer than is allowed. */
  #join({ flags, format, bytes }: Piece): boolean {
    if ((flags & PIECE_END) !== 0) {
      this.#ended = true;
      this.#takenCost += bytes.length + PIECE_COST; // nobody takes it
      return true;
    }
    this.#partBytes += bytes.length;
    this.#joiningCost += bytes.length + PIECE_COST;
    if (this.#partBytes > this.#valueMax) return false;
    this.#parts.push(bytes);
    if ((flags & PIECE_CONTINUES) !== 0) return true;
    const whole = this.#parts.length === 1 ? bytes : joined(this.#parts, this.#partBytes);
    this.#values.push({ format, bytes: whole, cost: this.#joiningCost });
    this.#parts.length = 0;
    this.#partBytes = 0;
    this.#joiningCost = 0;
    return true;
  }
}

function joined(parts: readonly Uint8Array[], length: number): Uint8Array {
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
