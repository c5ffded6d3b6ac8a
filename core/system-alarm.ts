import { performance } from 'node:perf_hooks';
import { Worker } from 'node:worker_threads';

/** Where the threads meet: words, then the time to ring at and the one that the thread knows. */
const WORDS = 4;
const TIMES = 2;
const LENGTH = WORDS * 4 + TIMES * 8;
/** Counts what was set: the word that is slept on. */
const SET = 0;
/** A word that is only written, to keep what stands before it before what comes after. */
const FENCE = 1;
/** 1 while the thread is up. */
const UP = 2;
const UNTIL = 0;
const TOLD = 1;
/** A ring may be late by this share of its wait: for less the thread is not woken. */
const LATE_SHARE = 1 / 8;

/** Whoever waits for an alarm. */
export interface Waiter {
  /** When the alarm rings for it; Infinity if it does not. The alarm's to write. */
  alarmAt: number;
  ring(): void;
}

/**
 * A sleeper in a thread of its own: libuv counts in milliseconds, but a futex takes a time-out of
 * any length and needs no processor meanwhile. The threads agree on times by process.hrtime, whose
 * start they share; that of `performance.now` is each thread's own.
 */
const sleeper = `
const { parentPort, workerData } = require('node:worker_threads');
const words = new Int32Array(workerData, 0, ${WORDS});
const times = new Float64Array(workerData, ${WORDS * 4}, ${TIMES});
Atomics.store(words, ${UP}, 1);
for (;;) {
  const set = Atomics.load(words, ${SET});
  const until = times[${UNTIL}];
  const [seconds, nanoseconds] = process.hrtime();
  const wait = until - seconds * 1e3 - nanoseconds / 1e6;
  if (wait > 0) {
    times[${TOLD}] = until;
    Atomics.add(words, ${FENCE}, 1);
    Atomics.wait(words, ${SET}, set, wait);
  } else {
    times[${UNTIL}] = Infinity;
    parentPort.postMessage(0);
  }
}`;

/**
 * Rings at a time that `setTimeout` cannot hit, late by the system's timer slack (50 us) and the
 * way through the event loop. One for a JavaScript thread, made when the first short wait is.
 *
 * A time put off wakes nobody: the thread finds it when it wakes for the old one, and sleeps on.
 */
export class Alarm {
  readonly #words: Int32Array;
  readonly #times: Float64Array;
  readonly #waiters = new Set<Waiter>();
  /** What `performance.now` is behind process.hrtime. */
  readonly #behind = measureBehind();
  /** The one for whom it rings next; whatever the others do, it needs no other time. */
  #first: Waiter | undefined;

  constructor() {
    const shared = new SharedArrayBuffer(LENGTH);
    this.#words = new Int32Array(shared, 0, WORDS);
    this.#times = new Float64Array(shared, WORDS * 4, TIMES).fill(Infinity);
    try {
      const worker = new Worker(sleeper, { eval: true, workerData: shared, execArgv: [] });
      worker.on('message', this.#ring);
      worker.on('error', () => undefined); // as below
      worker.on('exit', () => Atomics.store(this.#words, UP, 0));
      worker.unref();
    } catch {
      // No thread is allowed (--permission), and nothing rings: `up` says so.
    }
  }

  /** Whether it rings: its thread takes a while to come up, or cannot be had. */
  get up(): boolean {
    return this.#words[UP] === 1;
  }

  /** Rings once at or soon after `at` (performance.now), and not before; not at all: Infinity. */
  set(waiter: Waiter, at: number): void {
    waiter.alarmAt = at;
    if (at === Infinity) this.#waiters.delete(waiter);
    else this.#waiters.add(waiter);
    if (waiter === this.#first) this.#tell(this.#earliest());
    else if (this.#first === undefined || at < this.#first.alarmAt) this.#tell(waiter);
  }

  #earliest(): Waiter | undefined {
    let first: Waiter | undefined;
    for (const each of this.#waiters) {
      if (first === undefined || each.alarmAt < first.alarmAt) first = each;
    }
    return first;
  }

  /** Tells the thread. Whoever is about to sleep sees the new count and looks again. */
  #tell(first: Waiter | undefined): void {
    this.#first = first;
    const at = first?.alarmAt ?? Infinity;
    const until = this.#behind + at;
    this.#times[UNTIL] = until;
    Atomics.add(this.#words, SET, 1);
    const late = this.#times[TOLD]! - until;
    if (late > 0 && late > (at - performance.now()) * LATE_SHARE) {
      Atomics.notify(this.#words, SET);
    }
  }

  readonly #ring = (): void => {
    const now = performance.now();
    const due = [...this.#waiters].filter(({ alarmAt }) => alarmAt <= now);
    for (const each of due) {
      this.#waiters.delete(each);
      each.alarmAt = Infinity;
    }
    this.#tell(this.#earliest());
    for (const each of due) each.ring();
  };
}

/** How often two clocks are compared. */
const COMPARED = 16;

/**
 * What `performance.now` is behind process.hrtime, ms. Whatever happens between the two readings
 * makes it less, and an alarm that much too early, so the most that was seen is nearest.
 */
function measureBehind(): number {
  let most = -Infinity;
  for (let time = 0; time < COMPARED; time++) {
    const [seconds, nanoseconds] = process.hrtime();
    most = Math.max(most, seconds * 1e3 + nanoseconds / 1e6 - performance.now());
  }
  return most;
}
