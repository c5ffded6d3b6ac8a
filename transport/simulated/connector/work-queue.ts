import type { Clock, Timer } from '../../../core/clock.ts';

/** Work items that may wait; the kernel's bound is its memory. */
const ITEMS_MAX = 65_536;

/** The connector's work queue "cqueue": callbacks run after the system call that asked for them. */
export class WorkQueue {
  readonly #timer: Timer;
  readonly #clock: Clock;
  #items: (() => void)[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#timer = clock.timer(() => this.flush());
  }

  /** Queues an item for a later turn of the clock, at the same time. False if there is no room. */
  push(item: () => void): boolean {
    if (this.#items.length >= ITEMS_MAX) return false;
    this.#items.push(item);
    this.#timer.arm(this.#clock.now());
    return true;
  }

  /** Runs what is queued now: flush_workqueue. */
  flush(): void {
    const items = this.#items;
    this.#items = [];
    this.#timer.disarm();
    for (const item of items) item();
  }
}
