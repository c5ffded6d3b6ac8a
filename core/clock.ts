/**
 * Time as the library sees it: fractional milliseconds from an arbitrary start, monotonic, never 0
 * (lru-cache takes an entry made at 0 for one that never expires).
 */
export interface Clock {
  /**
   * The shortest wait that makes sense, ms: the floor of every time-out (RFC 9002, kGranularity).
   */
  readonly grainMs: number;
  now(): number;
  /** Makes a timer, not yet armed. */
  timer(fire: () => void): Timer;
}

/** One re-armable timer. Arming an armed timer moves it; to put it off costs next to nothing. */
export interface Timer {
  /** Fires once, at or soon after the time `at` (a reading of the same clock). */
  arm(at: number): void;
  disarm(): void;
}

/** Resolves after `ms`, or rejects with the signal's reason as soon as it aborts. */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    const abort = (): void => {
      timer.disarm();
      reject(signal?.reason);
    };
    const timer = clock.timer(() => {
      signal?.removeEventListener('abort', abort);
      resolve();
    });
    signal?.addEventListener('abort', abort, { once: true });
    timer.arm(clock.now() + ms);
  });
}
