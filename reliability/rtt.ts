import type { Kept } from './kept.ts';

/** How much of the smoothed round trip an acknowledgement may wait for company. */
const ACK_DELAY_SHARE = 1 / 8;
/** No acknowledgement waits longer, whatever the round trip (RFC 9000 §18.2, max_ack_delay). */
const ACK_DELAY_MAX_MS = 25;

/**
 * Round-trip estimate (RFC 9002 §5): smoothed mean, variation and minimum. Samples come only from
 * datagram numbers, which are never reused, so a retransmission can't make one ambiguous and Karn's
 * rule has nothing left to forbid.
 */
export class RoundTrip {
  #smoothed: number;
  #variation: number;
  #minimum = Infinity;
  #sampled = false;
  readonly #grainMs: number;

  /** `hintMs` is the transport's guess before the first sample; `grainMs` the clock's grain. */
  constructor(hintMs: number, grainMs: number) {
    this.#smoothed = hintMs;
    this.#variation = hintMs / 2;
    this.#grainMs = grainMs;
  }

  suspend(kept: Kept): void {
    kept.put(this.#smoothed, this.#variation, this.#minimum, this.#sampled ? 1 : 0);
  }

  resume(kept: Kept): void {
    this.#smoothed = kept.take();
    this.#variation = kept.take();
    this.#minimum = kept.take();
    this.#sampled = kept.take() === 1;
  }

  get smoothedMs(): number {
    return this.#smoothed;
  }

  get minimumMs(): number {
    return this.#sampled ? this.#minimum : this.#smoothed;
  }

  get variationMs(): number {
    return this.#variation;
  }

  get sampled(): boolean {
    return this.#sampled;
  }

  /**
   * Takes one sample; `delayMs` is how long the peer says it kept the acknowledgement. Gives the
   * sample less that delay.
   */
  sample(elapsedMs: number, delayMs: number): number {
    this.#minimum = Math.min(this.#minimum, elapsedMs);
    // A peer that overstates its delay must not pull the estimate below what was ever seen.
    const adjusted = elapsedMs - delayMs >= this.#minimum ? elapsedMs - delayMs : this.#minimum;
    if (!this.#sampled) {
      this.#sampled = true;
      this.#smoothed = adjusted;
      this.#variation = adjusted / 2;
      return adjusted;
    }
    this.#variation = (3 * this.#variation + Math.abs(this.#smoothed - adjusted)) / 4;
    this.#smoothed = (7 * this.#smoothed + adjusted) / 8;
    return adjusted;
  }

  /** How long this side may keep an acknowledgement back, ms. Both sides reckon alike. */
  get ackDelayMs(): number {
    return Math.min(Math.max(this.#smoothed * ACK_DELAY_SHARE, this.#grainMs), ACK_DELAY_MAX_MS);
  }

  /** The probe time-out (RFC 9002 §6.2.1), whose only floor is the clock's grain. */
  get probeMs(): number {
    return this.#smoothed + Math.max(4 * this.#variation, this.#grainMs) + this.ackDelayMs;
  }
}
