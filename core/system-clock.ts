import type { Clock, Timer } from './clock.ts';

/** Below this wait `setTimeout`, whose grain is a millisecond, is too coarse (semantics 15). */
const FINE_WAIT_MS = 1.5;

/**
 * The machine's monotonic clock. Waits under a millisecond and a half are made of event-loop turns:
 * a probe time-out at a round trip of 50 us cannot wait for a 1 ms grain.
 */
export class SystemClock implements Clock {
  /** A turn of a busy event loop. */
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
  /** When the pending wake-up happens; later `arm`s leave it and re-check on waking. */
  #wakesAt = Infinity;

  constructor(fire: () => void) {
    this.#fire = fire;
  }

  arm(at: number): void {
    this.#at = at;
    if (at < this.#wakesAt) this.#schedule(performance.now());
  }

  disarm(): void {
    this.#at = Infinity;
    this.#cancel();
  }

  #cancel(): void {
    if (this.#timeout !== undefined) clearTimeout(this.#timeout);
    if (this.#immediate !== undefined) clearImmediate(this.#immediate);
    this.#timeout = undefined;
    this.#immediate = undefined;
    this.#wakesAt = Infinity;
  }

  #schedule(now: number): void {
    this.#cancel();
    const wait = this.#at - now;
    if (wait < FINE_WAIT_MS) {
      this.#wakesAt = now;
      this.#immediate = setImmediate(this.#wake);
    } else {
      // A millisecond short: the last stretch is made of turns. 2^31 - 1 is the longest wait.
      const whole = Math.min(Math.floor(wait - 1), 0x7fffffff);
      this.#wakesAt = now + whole;
      this.#timeout = setTimeout(this.#wake, whole);
    }
  }

  readonly #wake = (): void => {
    this.#timeout = undefined;
    this.#immediate = undefined;
    this.#wakesAt = Infinity;
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
