import type { Kept } from './kept.ts';
import type { RoundTrip } from './rtt.ts';
import { TRUESIZE_MIN } from '../transport/truesize.ts';

/** What may be outstanding after a shrink, in units of what the path holds without a queue. */
const HEADROOM = 1.5;
/** It is never less: somebody else fills the queue. */
const LEAST = 4 * TRUESIZE_MIN;
/** A round trip is inflated by a queue if even the shortest is longer by so many variations. */
const VARIATIONS = 2;
/** Fewer samples may all be long by chance, where the way takes its time as it likes. */
const SAMPLES = 16;
/** And by this share of the shortest ever, */
const INFLATION = 1 / 8;
/** and by so much, ms: less is what a reader takes now and then. */
const INFLATION_MIN_MS = 0.25;

/**
 * How much one path carries, in truesize. Losses alone say nothing: on this kind of link they may
 * be random, and then sending less helps nobody. Losses while even the shortest round trips are
 * inflated mean that we fill a queue until it drops (peers.md §2b). Then what may be outstanding
 * shrinks to what the path delivers in its shortest round trip (the idea of BBR), and some more.
 */
export class Congestion {
  readonly #roundTrip: RoundTrip;
  #limit = Infinity;
  /** The shortest round trips lately: of this spell, and of the one before. */
  #shortest = Infinity;
  #shortestBefore = Infinity;
  #since = -Infinity;
  #samples = 0;
  /** And what was delivered in each ms, at most, likewise: single samples are often too small. */
  #fastest = 0;
  #fastestBefore = 0;
  #shrunkAt = -Infinity;

  constructor(roundTrip: RoundTrip) {
    this.#roundTrip = roundTrip;
  }

  suspend(kept: Kept): void {
    kept.put(this.#limit, this.#shortest, this.#shortestBefore, this.#since, this.#samples);
    kept.put(this.#fastest, this.#fastestBefore, this.#shrunkAt);
  }

  resume(kept: Kept): void {
    this.#limit = kept.take();
    this.#shortest = kept.take();
    this.#shortestBefore = kept.take();
    this.#since = kept.take();
    this.#samples = kept.take();
    this.#fastest = kept.take();
    this.#fastestBefore = kept.take();
    this.#shrunkAt = kept.take();
  }

  /** How much may be outstanding; Infinity while nothing is known against it. */
  get limit(): number {
    return this.#limit;
  }

  /** Takes a sample of the round trip, and how much was delivered in each ms of it. */
  measured(roundTripMs: number, perMs: number, now: number): void {
    if (this.#samples >= SAMPLES && now - this.#since >= this.#roundTrip.smoothedMs) {
      this.#shortestBefore = this.#shortest;
      this.#shortest = Infinity;
      this.#fastestBefore = this.#fastest;
      this.#fastest = 0;
      this.#since = now;
      this.#samples = 0;
    }
    this.#samples += 1;
    this.#shortest = Math.min(this.#shortest, roundTripMs);
    this.#fastest = Math.max(this.#fastest, perMs);
  }

  /**
   * Datagrams were lost. Once in a round trip is enough: what is lost then was sent before.
   */
  lost(now: number): void {
    const { variationMs, smoothedMs, minimumMs } = this.#roundTrip;
    if (!this.#queued() || this.#queueMs() <= VARIATIONS * variationMs) return;
    if (now - this.#shrunkAt < smoothedMs) return;
    this.#shrunkAt = now;
    const held = Math.max(this.#fastest, this.#fastestBefore) * minimumMs;
    this.#limit = Math.min(this.#limit, Math.max(held * HEADROOM, LEAST));
  }

  /**
   * `charge` was acknowledged while all that was allowed was outstanding: twice as much per round
   * trip where no queue stands, else one small datagram more. From `grant` on nothing is limited.
   */
  grow(charge: number, grant: number): void {
    this.#limit += this.#queued() ? (charge * TRUESIZE_MIN) / this.#limit : charge;
    if (this.#limit >= grant) this.#limit = Infinity;
  }

  /** By how much even the shortest round trips are inflated, ms. */
  #queueMs(): number {
    return Math.min(this.#shortest, this.#shortestBefore) - this.#roundTrip.minimumMs;
  }

  #queued(): boolean {
    return this.#queueMs() > Math.max(this.#roundTrip.minimumMs * INFLATION, INFLATION_MIN_MS);
  }
}
