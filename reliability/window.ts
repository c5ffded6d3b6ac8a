import type { Kept } from './kept.ts';
import type { Traits } from '../transport/transport.ts';
import { TRUESIZE_MIN } from '../transport/truesize.ts';

/** How much a full queue takes off the limit. */
const DECREASE = 0.7;

/**
 * How much may be outstanding towards one receiver, in truesize: what the kernel charges its queue
 * for, not payload bytes (semantics 17). The smaller of two numbers counts: what the receiver
 * grants, and what the path turned out to carry (AIMD on `busy`). Random loss moves neither: on
 * this kind of link it says nothing about load.
 */
export class Window {
  #grant: number;
  #limit = Infinity;

  constructor(grant: number) {
    this.#grant = grant;
  }

  suspend(kept: Kept): void {
    kept.put(this.#grant, this.#limit);
  }

  resume(kept: Kept): void {
    this.#grant = kept.take();
    this.#limit = kept.take();
  }

  get grant(): number {
    return this.#grant;
  }

  /**
   * Takes the grant from the peer's latest datagram; at least the smallest datagram always goes.
   */
  setGrant(grant: number): void {
    this.#grant = Math.max(grant, TRUESIZE_MIN);
  }

  /** How much more may be sent while `outstanding` is. */
  available(outstanding: number): number {
    return Math.min(this.#grant, this.#limit) - outstanding;
  }

  /** The longest datagram, `max` or a half, a quarter, ... of it, within `credit`; 0: none. */
  lengthWithin(credit: number, max: number, traits: Pick<Traits, 'truesize'>): number {
    let length = max;
    while (length > 0 && traits.truesize(length) > credit) length = length > 64 ? length >>> 1 : 0;
    return length;
  }

  /** The receiver's queue was full: multiplicative decrease. */
  decrease(outstanding: number): void {
    const from = Math.min(this.#grant, this.#limit, Math.max(outstanding, TRUESIZE_MIN));
    this.#limit = Math.max(from * DECREASE, TRUESIZE_MIN);
  }

  /** `charge` was acknowledged: additive increase by one small datagram per full window. */
  increase(charge: number): void {
    if (this.#limit === Infinity) return;
    this.#limit += (charge * TRUESIZE_MIN) / this.#limit;
    if (this.#limit >= this.#grant) this.#limit = Infinity;
  }
}
