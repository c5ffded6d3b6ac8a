import type { Clock, Timer } from './clock.ts';
import { assert } from './assert.ts';

interface Event {
  readonly at: number;
  readonly order: number;
  fire: (() => void) | undefined;
}

/** Cancelled events are cleared away when there are more of them than this, and than live ones. */
const DEAD_MAX = 1024;
/** More events than this in one instant are a program that re-arms itself for ever. */
const INSTANT_MAX = 10_000_000;

/**
 * Simulated time. It moves only inside `run`, from event to event, in order of time and then of
 * scheduling, so the same program gives the same history on every machine. Between two instants all
 * promise reactions and ticks run, which lets ordinary async code live in virtual time.
 */
export class VirtualClock implements Clock {
  readonly grainMs = 0.005;
  readonly #heap: Event[] = [];
  #now = 1; // never 0, see Clock
  #order = 0;
  #live = 0;
  /** Cancelled events still in the heap. */
  #dead = 0;

  now(): number {
    return this.#now;
  }

  /** How many events are scheduled and not cancelled; 0 means that the world is idle for good. */
  get pending(): number {
    return this.#live;
  }

  timer(fire: () => void): Timer {
    let event: Event | undefined;
    let due = Infinity;
    const wake = (): void => {
      event = due > this.#now ? this.#push(due, wake) : undefined;
      if (event === undefined) fire();
    };
    const disarm = (): void => {
      if (event?.fire === undefined) return;
      event.fire = undefined; // left in the heap, skipped when its time comes
      event = undefined;
      this.#live -= 1;
      this.#dead += 1;
      if (this.#dead > DEAD_MAX && this.#dead > this.#live) this.#clear();
    };
    const arm = (at: number): void => {
      due = at;
      if (event?.fire !== undefined && event.at <= at && at !== Infinity) return; // asked on waking
      disarm();
      if (at !== Infinity) event = this.#push(at, wake);
    };
    return { arm, disarm };
  }

  /** Schedules one action; not cancellable, and cheaper than a timer. */
  at(time: number, fire: () => void): void {
    this.#push(time, fire);
  }

  /**
   * Runs events until `promise` settles, and gives its result. Throws when nothing is left to
   * happen or `limitMs` of virtual time have passed: a hang in a simulation is a failure, never a
   * wait.
   */
  async run<T>(promise: Promise<T>, limitMs = 3_600_000): Promise<T> {
    let settled = false;
    const mark = (): void => {
      settled = true;
    };
    promise.then(mark, mark);
    const end = this.#now + limitMs;
    await macrotask();
    while (!settled) {
      const next = this.#next();
      if (next === undefined)
        throw new Error('virtual time: the promise is open and no event is left');
      if (next > end) throw new Error(`virtual time: still open after ${limitMs} ms`);
      this.#step(next);
      await macrotask();
    }
    return promise;
  }

  /** Runs all events of the next `ms` milliseconds and leaves the clock there. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    await macrotask();
    for (let next = this.#next(); next !== undefined && next <= end; next = this.#next()) {
      this.#step(next);
      await macrotask();
    }
    this.#now = end;
  }

  /** Fires all events of one instant. */
  #step(at: number): void {
    this.#now = at;
    for (let count = 0; this.#heap.length > 0 && this.#heap[0]!.at <= at; count++) {
      if (count === INSTANT_MAX) throw new Error(`virtual time: stands still at ${at} ms`);
      const event = this.#pop();
      const { fire } = event;
      event.fire = undefined;
      if (fire === undefined) {
        this.#dead -= 1;
        continue;
      }
      this.#live -= 1;
      fire();
    }
  }

  /** Drops the cancelled events; a sorted array is a heap. */
  #clear(): void {
    const live = this.#heap.filter((event) => event.fire !== undefined);
    live.sort((left, right) => (before(left, right) ? -1 : 1));
    this.#heap.length = 0;
    for (const event of live) this.#heap.push(event);
    this.#dead = 0;
  }

  #next(): number | undefined {
    while (this.#heap.length > 0 && this.#heap[0]!.fire === undefined) {
      this.#pop();
      this.#dead -= 1;
    }
    return this.#heap[0]?.at;
  }

  #push(at: number, fire: () => void): Event {
    assert(!Number.isNaN(at), 'an event has a time');
    const event: Event = { at: Math.max(at, this.#now), order: this.#order++, fire };
    this.#live += 1;
    const heap = this.#heap;
    let index = heap.length;
    heap.push(event);
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!before(event, heap[parent]!)) break;
      heap[index] = heap[parent]!;
      index = parent;
    }
    heap[index] = event;
    return event;
  }

  #pop(): Event {
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

function before(left: Event, right: Event): boolean {
  return left.at < right.at || (left.at === right.at && left.order < right.order);
}

/** Lets every promise reaction and tick that is ready run, however long their chains. */
function macrotask(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
