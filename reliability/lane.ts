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
  #next = 0;
  /** What came ahead of a gap; `undefined` is a position taken back. */
  readonly #held = new Map<number, T | undefined>();
  /** In order, waiting for the one before to finish. */
  readonly #ready = new Denque<T>();
  #current: T | undefined;
  readonly #span: number;
  readonly #gaps: { held: number };

  /**
   * `span` is how far ahead a position may be. Requests come from within the window of sequence
   * numbers, so the positions of an honest peer do, too.
   * `gaps` counts what is held, over all lanes that share it.
   */
  constructor(span: number, gaps: { held: number }) {
    this.#span = span;
    this.#gaps = gaps;
  }

  get idle(): boolean {
    return this.#current === undefined && this.#held.size === 0 && this.#ready.length === 0;
  }

  /** Classifies a position without taking it. */
  placement(position: number): Placement {
    const ahead = seqDistance(this.#next, position);
    if (ahead < 0 || this.#held.has(position)) return 'duplicate';
    if (ahead === 0) return 'ready';
    return ahead >= this.#span ? 'beyond' : 'held';
  }

  /** Puts a thing at its position; `undefined` marks the position as taken back. */
  put(position: number, thing: T | undefined): void {
    this.#held.set(position, thing);
    this.#gaps.held += 1;
    while (this.#held.has(this.#next)) {
      const released = this.#held.get(this.#next);
      this.#held.delete(this.#next);
      this.#gaps.held -= 1;
      this.#next = seqPlus(this.#next, 1);
      if (released !== undefined) this.#ready.push(released);
    }
  }

  /** Nothing more will come: releases what stands behind gaps, in order. */
  closeGaps(): void {
    const ahead = (position: number): number => seqDistance(this.#next, position);
    const held = [...this.#held].sort(([left], [right]) => ahead(left) - ahead(right));
    this.#held.clear();
    this.#gaps.held -= held.length;
    for (const [, thing] of held) if (thing !== undefined) this.#ready.push(thing);
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
}
