import type { Outcome } from '../core/errors.ts';
import type { Limits } from '../core/limits.ts';

/** Of so many calls that ran, one repeat comes: a tenth, as in gRPC and SRE practice. */
const RUNS_PER_REPEAT = 10;

/**
 * Bounds what a connection repeats of its own accord, so that a server which fails again and again
 * is not made to fail by repeats (semantics 18, P6.13). A bucket of repeats, full at first: each
 * takes one, and calls that ran give some back. There is no threshold above the empty bucket, as
 * only repeats take from it. Sans-IO.
 */
export class RetryBudget {
  readonly #max: number;
  readonly #perCallMax: number;
  /** What is left, in parts of a repeat: whole numbers stay exact. */
  #left: number;

  constructor(limits: Limits) {
    this.#max = limits.repeatsMax * RUNS_PER_REPEAT;
    this.#perCallMax = limits.repeatsPerCallMax;
    this.#left = this.#max;
  }

  /** A call is known to have run: a part of a repeat comes back. */
  replenish(): void {
    if (this.#left < this.#max) this.#left += 1;
  }

  /**
   * Tells whether a call may go to another session, and takes that from the budget. It was sent in
   * `sendings` sessions, and `outcome` is what is known of the last.
   */
  take(outcome: Outcome, sendings: number): boolean {
    // Nothing was made of these: one did not reach a server, the other not a handler.
    if (outcome === 'not-sent' || (outcome === 'not-executed' && sendings <= 1)) return true;
    // It may be the call itself that brings each server down.
    if (outcome === 'unknown' && sendings > this.#perCallMax) return false;
    if (this.#left < RUNS_PER_REPEAT) return false;
    this.#left -= RUNS_PER_REPEAT;
    return true;
  }
}
