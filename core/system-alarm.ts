import { Worker } from 'node:worker_threads';

/** Where the threads meet: two words, then the time to ring at and the time slept until. */
const LENGTH = 2 * 4 + 2 * 8;
/** Counts what was set: the word that is slept on. */
const SET = 0;
/** A word that is only written, to keep what stands before it before what comes after. */
const FENCE = 1;
const UNTIL = 0;
const SLEEPS_UNTIL = 1;

/**
 * A sleeper in a thread of its own: libuv counts in milliseconds, but a futex takes a time-out of
 * any length and needs no processor meanwhile. The threads agree on times by process.hrtime, whose
 * start they share; that of `performance.now` is each thread's own.
 */
const sleeper = `
const { parentPort, workerData } = require('node:worker_threads');
const words = new Int32Array(workerData, 0, 2);
const times = new Float64Array(workerData, 8, 2);
for (;;) {
  const set = Atomics.load(words, ${SET});
  const until = times[${UNTIL}];
  const [seconds, nanoseconds] = process.hrtime();
  const wait = until - seconds * 1e3 - nanoseconds / 1e6;
  if (wait > 0) {
    times[${SLEEPS_UNTIL}] = until;
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
 * A time put off wakes nobody: the sleeper finds it when it wakes for the old one, and sleeps on.
 */
export class Alarm {
  readonly #words: Int32Array;
  readonly #times: Float64Array;
  readonly #waiting = new Set<() => void>();
  /** What `performance.now` is behind process.hrtime. */
  readonly #behind: number;
  #at = Infinity;

  constructor() {
    const [seconds, nanoseconds] = process.hrtime();
    this.#behind = seconds * 1e3 + nanoseconds / 1e6 - performance.now();
    const shared = new SharedArrayBuffer(LENGTH);
    this.#words = new Int32Array(shared, 0, 2);
    this.#times = new Float64Array(shared, 8, 2).fill(Infinity);
    try {
      const worker = new Worker(sleeper, { eval: true, workerData: shared, execArgv: [] });
      worker.on('message', this.#ring);
      worker.on('error', () => undefined); // as below
      worker.unref();
    } catch {
      // No thread is allowed (--permission), and nothing rings. Whoever waits has a timer as well.
    }
  }

  /** Calls `ring` once at or soon after `at` (performance.now), unless it is removed. */
  add(ring: () => void, at: number): void {
    this.#waiting.add(ring);
    if (at < this.#at) this.#set(at);
  }

  /** Puts off a ring; with others waiting it comes early. */
  putOff(ring: () => void, at: number): void {
    if (this.#waiting.size === 1 && this.#waiting.has(ring)) this.#set(at);
  }

  remove(ring: () => void): void {
    this.#waiting.delete(ring);
  }

  #set(at: number): void {
    this.#at = at;
    const until = this.#behind + at;
    this.#times[UNTIL] = until;
    Atomics.add(this.#words, SET, 1);
    // Whoever is about to sleep sees the new count and looks again.
    if (until < this.#times[SLEEPS_UNTIL]!) Atomics.notify(this.#words, SET);
  }

  readonly #ring = (): void => {
    this.#at = Infinity;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const ring of waiting) ring();
  };
}
