import type { RoundTrip } from './rtt.ts';

/**
 * A full queue is asked again after this share of the round trip, growing up to so many ms, or to
 * this share of the time it has been full: else a thousand peers cost 40,000 calls a second.
 */
const RETRY_SHARE = 1 / 4;
const RETRY_BACKOFF = 1.5;
const RETRY_MAX_MS = 25;
const RETRY_STALL_SHARE = 1 / 8;
/** Counted no further, so that the power of the back-off stays finite. */
const COUNT_MAX = 32;

/** When the transport is asked again that has refused a datagram. */
export class Retries {
  readonly #roundTrip: RoundTrip;
  readonly #grainMs: number;
  #count = 0;
  #at = -Infinity;
  #since = -Infinity;
  #full = false;

  constructor(roundTrip: RoundTrip, grainMs: number) {
    this.#roundTrip = roundTrip;
    this.#grainMs = grainMs;
  }

  /** True if the last datagram was refused, and is still to be sent. */
  get pending(): boolean {
    return this.#count > 0;
  }

  /** True if that was for a full queue. */
  get full(): boolean {
    return this.pending && this.#full;
  }

  /** While `pending`: when to ask again, and since when it has been refused. */
  get at(): number {
    return this.#at;
  }

  get since(): number {
    return this.#since;
  }

  /** The transport refused, as it has since `since`, if that is known to be longer. */
  refused(full: boolean, since: number, now: number): void {
    this.#full = full;
    if (this.#count === 0) this.#since = since;
    const share = this.#roundTrip.smoothedMs * RETRY_SHARE * RETRY_BACKOFF ** this.#count;
    this.#count = Math.min(this.#count + 1, COUNT_MAX);
    const most = Math.max(RETRY_MAX_MS, (now - this.#since) * RETRY_STALL_SHARE);
    this.#at = now + Math.min(Math.max(share, this.#grainMs), most);
  }

  /** It was sent, is not to be sent any more, or is to be sent again at once. */
  clear(): void {
    this.#count = 0;
  }
}
