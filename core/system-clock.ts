import { performance } from 'node:perf_hooks';
import type { Clock, Timer } from './clock.ts';
import { Alarm } from './system-alarm.ts';

/** Below this wait `setTimeout`, whose grain is a millisecond, is too coarse (semantics 15). */
const FINE_WAIT_MS = 1.5;
/** Below this one an alarm would be late, and a few turns of the event loop cost no more. */
const TURNS_MS = 0.03;

let alarm: Alarm | undefined;

/**
 * The machine's monotonic clock. A probe time-out at a round trip of 50 us cannot wait for a grain
 * of 1 ms, nor may it be waited for by turning the event loop: that made a call at one in flight
 * cost 700 us of processor time, and whoever keeps a processor busy is made to wait for several
 * milliseconds when others want it, its peer among them. So the last stretch is slept by a thread.
 */
export class SystemClock implements Clock {
  /** What an alarm is late by. */
  readonly grainMs = 0.1;

  now(): number {
    return performance.now();
  }

  timer(fire: () => void): Timer {
    return new SystemTimer(fire);
  }
}

class SystemTimer implements Timer {
  readonly #fire: () => void;
  #at = Infinity;
  #timeout: NodeJS.Timeout | undefined;
  #immediate: NodeJS.Immediate | undefined;
  #alarmed = false;
  /** When the pending wake-up happens; later `arm`s leave it and re-check on waking. */
  #wakesAt = Infinity;

  constructor(fire: () => void) {
    this.#fire = fire;
  }

  arm(at: number): void {
    this.#at = at;
    if (at < this.#wakesAt) this.#schedule(performance.now());
    else if (this.#alarmed) alarm?.putOff(this.#wake, at);
  }

  disarm(): void {
    this.#at = Infinity;
    this.#cancel();
  }

  #cancel(): void {
    if (this.#timeout !== undefined) clearTimeout(this.#timeout);
    if (this.#immediate !== undefined) clearImmediate(this.#immediate);
    if (this.#alarmed) alarm?.remove(this.#wake);
    this.#timeout = undefined;
    this.#immediate = undefined;
    this.#alarmed = false;
    this.#wakesAt = Infinity;
  }

  #schedule(now: number): void {
    this.#cancel();
    const wait = this.#at - now;
    if (wait < TURNS_MS) {
      this.#wakesAt = now;
      this.#immediate = setImmediate(this.#wake);
    } else if (wait < FINE_WAIT_MS) {
      this.#wakesAt = this.#at;
      // The timer is for where the thread is not up yet, or cannot be had.
      this.#timeout = setTimeout(this.#wake, Math.ceil(wait));
      this.#alarmed = true;
      alarm ??= new Alarm();
      alarm.add(this.#wake, this.#at);
    } else {
      // A millisecond short: the last stretch is the alarm's. 2^31 - 1 is the longest wait.
      const whole = Math.min(Math.floor(wait - 1), 0x7fffffff);
      this.#wakesAt = now + whole;
      this.#timeout = setTimeout(this.#wake, whole);
    }
  }

  readonly #wake = (): void => {
    this.#cancel();
    if (this.#at === Infinity) return;
    const now = performance.now();
    if (now >= this.#at) {
      this.#at = Infinity;
      this.#fire();
    } else {
      this.#schedule(now);
    }
  };
}
