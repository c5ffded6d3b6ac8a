import Denque from 'denque';
import { seqDistance, seqPlus } from './sequence.ts';

/** Where a position in a channel stands. */
export type Placement = 'ready' | 'held' | 'duplicate' | 'beyond';

/**
 * One FIFO channel at its receiver: things come in any order and leave in order of position, one at
 * a time, so that the handler of the next request starts when the one before has finished. A gap
 * holds up this channel and no other (semantics 11).
 */
export class Lane<T> {
  /** The position that may leave next. */
  #next: number;
  /** What came ahead of a gap, made for the first; `undefined` is a position taken back. */
  #held: Map<number, T | undefined> | undefined;
  /** In order, waiting for the one before to finish. */
  readonly #ready = new Denque<T>();
  #current: T | undefined;
  readonly #span: number;

  /**
   * `next` is the position that may leave first, `span` how far ahead of it one may be. Requests
   * come from within the window of sequence numbers, so the positions of an honest peer do, too.
   */
  constructor(next: number, span: number) {
    this.#next = next;
    this.#span = span;
  }

  /** The position that may leave next: all that a lane has to be remembered by while it is idle. */
  get next(): number {
    return this.#next;
  }

  get idle(): boolean {
    return this.#current === undefined && this.#held === undefined && this.#ready.length === 0;
  }

  /** Classifies a position without taking it. */
  placement(position: number): Placement {
    const ahead = seqDistance(this.#next, position);
    if (ahead < 0 || this.#held?.has(position) === true) return 'duplicate';
    if (ahead === 0) return 'ready';
    return ahead >= this.#span ? 'beyond' : 'held';
  }

  /**
   * Puts a thing at its position; `undefined` marks the position as taken back. Gives by how many
   * the positions grew that were taken back and are held behind a gap.
   */
  put(position: number, thing: T | undefined): number {
    if (position !== this.#next) {
      this.#held ??= new Map();
      this.#held.set(position, thing);
      return thing === undefined ? 1 : 0;
    }
    this.#leave(thing);
    return -this.#leaveHeld();
  }

  /**
   * Nothing more will come: releases what stands behind gaps, in order. Gives by how many the
   * positions grew, as `put` does.
   */
  closeGaps(): number {
    if (this.#held === undefined) return 0;
    const ahead = (position: number): number => seqDistance(this.#next, position);
    const held = [...this.#held].sort(([left], [right]) => ahead(left) - ahead(right));
    this.#held = undefined;
    for (const [, thing] of held) if (thing !== undefined) this.#ready.push(thing);
    // Never minus 0 (sessions/refusals.ts).
    return 0 - held.filter(([, thing]) => thing === undefined).length;
  }

  /** The next thing to be worked on, if the one before has finished. */
  take(): T | undefined {
    if (this.#current !== undefined) return undefined;
    this.#current = this.#ready.shift();
    return this.#current;
  }

  /** A thing is finished; one that was refused on arrival was never taken, and frees nothing. */
  finish(thing: T): void {
    if (this.#current === thing) this.#current = undefined;
  }

  #leave(thing: T | undefined): void {
    this.#next = seqPlus(this.#next, 1);
    if (thing !== undefined) this.#ready.push(thing);
  }

  /** Gives how many of those that are not held any more were taken back. */
  #leaveHeld(): number {
    let blanks = 0;
    const held = this.#held;
    while (held?.has(this.#next) === true) {
      const thing = held.get(this.#next);
      held.delete(this.#next);
      if (thing === undefined) blanks += 1;
      this.#leave(thing);
    }
    if (held?.size === 0) this.#held = undefined;
    return blanks;
  }
}
