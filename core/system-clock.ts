import { performance } from 'node:perf_hooks';
import type { Clock, Timer } from './clock.ts';
import { Alarm, type Waiter } from './system-alarm.ts';

/** Below this wait `setTimeout`, whose grain is a millisecond, is too coarse (semantics 15). */
const FINE_WAIT_MS = 1.5;
/** Below this one an alarm would be late, and a few turns of the event loop cost no more. */
const TURNS_MS = 0.03;
/** By so much a timeout comes before its time at the least: the last stretch is the alarm's. */
const EARLY_MS = 1;
/** How long the timeout beside an alarm is: it keeps the process alive, and finds a lost alarm. */
const BESIDE_MS = 20;
/** The longest wait that `setTimeout` takes. */
const TIMEOUT_MAX_MS = 0x7fffffff;

let alarm: Alarm | undefined;

/**
 * The machine's monotonic clock. A probe time-out at a round trip of 50 us cannot wait for a grain
 * of 1 ms, nor may it be waited for by turning the event loop: that made a call at one in flight
 * cost 700 us of processor time, and whoever keeps a processor busy is made to wait for several
 * milliseconds when others want it, its peer among them. So the last stretch is slept by a thread.
 */
export class SystemClock implements Clock {
  /** What an alarm is late by; a time moved forward, an eighth of its wait more. */
  readonly grainMs = 0.1;

  now(): number {
    return performance.now();
  }

  timer(fire: () => void): Timer {
    return new SystemTimer(fire);
  }
}

/**
 * Is armed with each turn of a busy process, nearly always for later than before. So what is
 * pending stays and looks again when it happens; an alarm is told the new time, which costs a
 * store. To clear a timeout and set another one, a thousand times a second, took a fifth of what a
 * call costs.
 */
class SystemTimer implements Timer, Waiter {
  alarmAt = Infinity;
  readonly #fire: () => void;
  #at = Infinity;
  #immediate: NodeJS.Immediate | undefined;
  #timeout: NodeJS.Timeout | undefined;
  /** What the timeout is in time for. */
  #timeoutAt = Infinity;

  constructor(fire: () => void) {
    this.#fire = fire;
  }

  arm(at: number): void {
    this.#at = at;
    if (this.#immediate !== undefined) return;
    if (at < this.alarmAt && at < this.#timeoutAt) this.#wait(performance.now());
    else if (this.alarmAt !== Infinity && at > this.alarmAt) alarm?.set(this, at);
  }

  disarm(): void {
    this.#at = Infinity;
    if (this.#immediate !== undefined) clearImmediate(this.#immediate);
    if (this.#timeout !== undefined) clearTimeout(this.#timeout);
    if (this.alarmAt !== Infinity) alarm?.set(this, Infinity);
    this.#immediate = undefined;
    this.#timeout = undefined;
    this.#timeoutAt = Infinity;
  }

  /** The alarm has come, and is not set any more. */
  ring(): void {
    this.#look();
  }

  #look(): void {
    const now = performance.now();
    if (now < this.#at && this.#at !== Infinity) {
      this.#wait(now);
      return;
    }
    const due = this.#at !== Infinity;
    this.disarm(); // what is still pending would keep the process alive
    if (due) this.#fire();
  }

  /** Sees to it that something happens at the time armed for, and a timeout or turn is pending. */
  #wait(now: number): void {
    if (this.#immediate !== undefined) return; // that is as soon as can be
    const wait = this.#at - now;
    if (wait < TURNS_MS) {
      this.#immediate = setImmediate(this.#turned);
      return;
    }
    const fine = wait < FINE_WAIT_MS;
    if (fine || this.alarmAt !== Infinity) {
      alarm ??= new Alarm();
      alarm.set(this, this.#at);
    }
    if (fine && !alarm!.up) this.#setTimeout(Math.ceil(wait), this.#at);
    else if (!fine && this.#at < this.#timeoutAt) this.#setEarly(Math.floor(wait - EARLY_MS), now);
    else if (this.#timeout === undefined) this.#setEarly(BESIDE_MS, now);
  }

  /** Sets a timeout that is in time for what is `EARLY_MS` later. */
  #setEarly(ms: number, now: number): void {
    const most = Math.min(ms, TIMEOUT_MAX_MS);
    this.#setTimeout(most, now + most + EARLY_MS);
  }

  #setTimeout(ms: number, inTimeFor: number): void {
    if (this.#timeout !== undefined) clearTimeout(this.#timeout);
    this.#timeout = setTimeout(this.#timedOut, ms);
    this.#timeoutAt = inTimeFor;
  }

  readonly #turned = (): void => {
    this.#immediate = undefined;
    this.#look();
  };

  readonly #timedOut = (): void => {
    this.#timeout = undefined;
    this.#timeoutAt = Infinity;
    this.#look();
  };
}
