import type { Traits } from '../transport/transport.ts';

/** The most that answers a request: so many datagrams, each of at most so many payload bytes. */
export interface ReplySize {
  readonly datagrams: number;
  readonly bytes: number;
}

/** Both headers before the payload. */
const HEADERS = 36;

/**
 * Keeps the replies on their way within what the receive queue surely holds. An agent in the kernel
 * that answers by a blocking unicast into a full queue sleeps, with locks that our next send to it
 * may need: that send would hang for ever, O_NONBLOCK or not (semantics 25). Other agents drop the
 * reply. Between processes neither happens: a full queue is told to the sender (KF §6.5 #9).
 *
 * A request that is repeated keeps the room it has: the reply before is taken for lost. One that is
 * given up frees it. Both are wrong only if the agent answers late after all.
 */
export class ReplyRoom {
  readonly #traits: Traits;
  #taken = 0;

  constructor(traits: Traits) {
    this.#traits = traits;
  }

  /** What a reply may charge the queue. */
  charge(size: ReplySize): number {
    return this.#traits.lossless ? 0 : size.datagrams * this.#traits.truesize(HEADERS + size.bytes);
  }

  /** Whether a reply of this size can be held at all: one datagram always can (KF §6.1). */
  holds(size: ReplySize): boolean {
    return size.datagrams === 1 || this.charge(size) <= this.#traits.receiveBuffer;
  }

  /** Takes room for a reply; false if there is not enough now. */
  take(charge: number): boolean {
    const sum = this.#taken + charge;
    if (this.#taken > 0 && sum > this.#traits.receiveBuffer) return false;
    this.#taken = sum;
    return true;
  }

  free(charge: number): void {
    this.#taken -= charge;
  }
}
