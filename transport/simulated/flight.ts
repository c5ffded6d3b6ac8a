import type { Clock, Timer } from '../../core/clock.ts';
import type { Parcel } from './parcel.ts';

/**
 * The datagrams under way on one link, earliest first, those of one time in the order of sending.
 * One timer serves them all, so a burst over an even link costs one event and not one each.
 */
export class Flight {
  readonly #clock: Clock;
  readonly #limit: number;
  readonly #land: (parcel: Parcel) => void;
  readonly #timer: Timer;
  readonly #heap: Parcel[] = [];
  #turn = 0;

  /** `land` gets each parcel at its time, and owns it then. At most `limit` are under way. */
  constructor(clock: Clock, limit: number, land: (parcel: Parcel) => void) {
    this.#clock = clock;
    this.#limit = limit;
    this.#land = land;
    this.#timer = clock.timer(() => this.#arrive());
  }

  get size(): number {
    return this.#heap.length;
  }

  /** Sends a parcel off, to land at `parcel.arrivesAt`. False, and nothing done, at the limit. */
  push(parcel: Parcel): boolean {
    const heap = this.#heap;
    if (heap.length >= this.#limit) return false;
    parcel.turn = this.#turn++;
    let index = heap.length;
    heap.push(parcel);
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!before(parcel, heap[parent]!)) break;
      heap[index] = heap[parent]!;
      index = parent;
    }
    heap[index] = parcel;
    if (index === 0) this.#timer.arm(parcel.arrivesAt);
    return true;
  }

  /** Takes everything down that is still under way. */
  clear(drop: (parcel: Parcel) => void): void {
    this.#timer.disarm();
    for (const parcel of this.#heap.splice(0)) drop(parcel);
  }

  #arrive(): void {
    const now = this.#clock.now();
    while (this.#heap.length > 0 && this.#heap[0]!.arrivesAt <= now) this.#land(this.#pop());
    if (this.#heap.length > 0) this.#timer.arm(this.#heap[0]!.arrivesAt);
  }

  #pop(): Parcel {
    const heap = this.#heap;
    const top = heap[0]!;
    const last = heap.pop()!;
    if (heap.length === 0) return top;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child += 1;
      if (!before(heap[child]!, last)) break;
      heap[index] = heap[child]!;
      index = child;
    }
    heap[index] = last;
    return top;
  }
}

function before(left: Parcel, right: Parcel): boolean {
  if (left.arrivesAt !== right.arrivesAt) return left.arrivesAt < right.arrivesAt;
  return left.turn < right.turn;
}
