import Denque from 'denque';
import type { Kept } from './kept.ts';
import type { Outgoing } from './outgoing.ts';
import type { RoundTrip } from './rtt.ts';
import { assert } from '../core/assert.ts';
import { REPLY, TRACKED_DATAGRAMS } from '../transport/wire/frame.ts';

/** The reordering window starts at this share of the smallest round trip (RFC 8985 §6.2). */
const REORDER_SHARE = 1 / 4;
/** Recoveries without a late datagram after which the reordering window shrinks (RFC 8985 §7). */
const REORDER_PATIENCE = 16;

const NONE: readonly Outgoing[] = [];

/** Where the fate of a datagram's messages is reported. */
export interface FlightListener {
  delivered(message: Outgoing): void;
  lost(message: Outgoing): void;
  /** A round trip was measured, and how much truesize was delivered in each ms of it. */
  measured(roundTripMs: number, perMs: number, now: number): void;
  /** Some datagrams were found lost. */
  thinned(now: number): void;
}

interface SentDatagram {
  readonly number: number;
  readonly sentAt: number;
  /** Truesize at the receiver, counted while it is outstanding. */
  readonly charge: number;
  /** None once it is settled: behind one that is waited for, it would hold on to their calls. */
  messages: readonly Outgoing[];
  readonly repliesOnly: boolean;
  /** What had been delivered when it was sent, and since when that was known. */
  readonly delivered: number;
  readonly deliveredAt: number;
  waiting: boolean;
}

/**
 * The datagrams under way, and how their fate is learnt (semantics 15): an acknowledgement settles
 * them; one that is overtaken by an acknowledged later one is lost, at once where the transport is
 * FIFO, else after a reordering window in the manner of RACK (RFC 8985). Time alone never declares
 * a loss: the probe time-out only asks (RFC 9002 §6.2).
 */
export class Flight {
  /** In order of number, the first one waited for. Bare acknowledgements are not: nobody waits. */
  readonly #sent = new Denque<SentDatagram>();
  readonly #listener: FlightListener;
  readonly #fifo: boolean;
  readonly #roundTrip: RoundTrip;
  #next: number;
  #outstanding = 0;
  #waiting = 0;
  /** Those of them that carry replies and nothing else. */
  #replies = 0;
  /** Truesize acknowledged in all, and when the last of it was. */
  #delivered = 0;
  #deliveredAt = -Infinity;
  #newestAcked = -1;
  #reorderSteps = 1;
  #recoveries = 0;
  #late = 0;

  constructor(first: number, fifo: boolean, roundTrip: RoundTrip, listener: FlightListener) {
    this.#next = first;
    this.#fifo = fifo;
    this.#roundTrip = roundTrip;
    this.#listener = listener;
  }

  /**
   * Only while nothing is waited for. Then what was delivered, and which number was acknowledged
   * last, is compared with nothing any more.
   */
  suspend(kept: Kept): void {
    kept.put(this.#next, this.#reorderSteps, this.#recoveries, this.#late);
  }

  resume(kept: Kept): void {
    this.#next = kept.take();
    this.#reorderSteps = kept.take();
    this.#recoveries = kept.take();
    this.#late = kept.take();
  }

  /** The number that the next datagram will carry. */
  get next(): number {
    return this.#next;
  }

  /** The oldest number still waited for; `next` if there is none. */
  get floor(): number {
    return this.#sent.peekFront()?.number ?? this.#next;
  }

  /** Truesize under way. */
  get outstanding(): number {
    return this.#outstanding;
  }

  /** True while any datagram is waited for. */
  get waiting(): boolean {
    return this.#waiting > 0;
  }

  /** True if all that is waited for are replies. */
  get repliesOnly(): boolean {
    return this.#waiting > 0 && this.#waiting === this.#replies;
  }

  /** How many more numbers there are before they leave what the receiver keeps track of. */
  get spare(): number {
    return TRACKED_DATAGRAMS - (this.#next - this.floor);
  }

  /**
   * Records the datagram numbered `next` as sent; without messages it is a bare acknowledgement.
   */
  sent(messages: readonly Outgoing[], charge: number, now: number): void {
    assert(this.spare > 0, 'a datagram number stays within what the receiver tracks');
    const number = this.#next++;
    if (messages.length === 0) return;
    let repliesOnly = true;
    for (const message of messages) {
      message.datagram = number;
      if (message.kind !== REPLY) repliesOnly = false;
    }
    // After a pause the time counts from now: what was idle says nothing about the path.
    const deliveredAt = this.#outstanding === 0 ? now : this.#deliveredAt;
    this.#sent.push({
      number,
      sentAt: now,
      charge,
      messages,
      repliesOnly,
      delivered: this.#delivered,
      deliveredAt,
      waiting: true,
    });
    this.#waiting += 1;
    if (repliesOnly) this.#replies += 1;
    this.#outstanding += charge;
  }

  /**
   * Takes an acknowledgement: everything below `base`, and base + n where bit n of `bitmap` is set.
   * The caller has checked that nothing in it was never sent. Gives the truesize newly settled.
   */
  acknowledge(base: number, bitmap: readonly number[], delayMs: number, now: number): number {
    const before = this.#outstanding;
    let newest: SentDatagram | undefined;
    let index = 0;
    for (; index < this.#sent.length; index++) {
      const datagram = this.#sent.peekAt(index)!;
      const offset = datagram.number - base;
      if (offset >= 32 * bitmap.length) break;
      if (offset >= 0 && ((bitmap[offset >>> 5]! >>> (offset & 31)) & 1) === 0) continue;
      if (!datagram.waiting) continue;
      const { messages } = datagram;
      this.#settle(datagram);
      newest = datagram;
      for (const message of messages) this.#deliver(message);
    }
    const settled = before - this.#outstanding;
    this.#delivered += settled;
    if (settled > 0) this.#deliveredAt = now;
    if (newest !== undefined && newest.number > this.#newestAcked) {
      this.#newestAcked = newest.number;
      const roundTripMs = this.#roundTrip.sample(now - newest.sentAt, delayMs);
      const perMs = (this.#delivered - newest.delivered) / (now - newest.deliveredAt);
      this.#listener.measured(roundTripMs, perMs, now);
    }
    this.#trim();
    return settled;
  }

  /** Declares lost what was overtaken for long enough; gives when to look again (or Infinity). */
  detectLosses(now: number): number {
    let lookAgainAt = Infinity;
    let lost = false;
    for (let index = 0; index < this.#sent.length; index++) {
      const datagram = this.#sent.peekAt(index)!;
      if (datagram.number >= this.#newestAcked) break;
      if (!datagram.waiting) continue;
      if (!this.#fifo) {
        const due = datagram.sentAt + this.#roundTrip.smoothedMs + this.#reorderMs();
        if (due > now) {
          lookAgainAt = Math.min(lookAgainAt, due);
          continue;
        }
      }
      lost = true;
      const { number, messages } = datagram;
      this.#settle(datagram);
      for (const message of messages) {
        if (!message.done && message.datagram === number) this.#listener.lost(message);
      }
    }
    if (lost) {
      this.#recovered();
      this.#listener.thinned(now);
    }
    this.#trim();
    return lookAgainAt;
  }

  /**
   * Takes the peer's count of datagrams that came after they were given up (16 bits, wrapping):
   * each says that the reordering window is too small, as a DSACK does (RFC 8985 §6.2).
   */
  setLate(late: number): void {
    if (late === this.#late) return;
    this.#late = late;
    this.#reorderSteps += 1;
    this.#recoveries = 0;
  }

  /**
   * Stops waiting for datagrams with nothing left in them to deliver: their messages were
   * withdrawn, or, if numbers run short, went on in later ones. Called when a probe is due, so a
   * round trip after the last sending.
   */
  forget(): void {
    const short = this.spare < TRACKED_DATAGRAMS / 2;
    for (let index = 0; index < this.#sent.length; index++) {
      const datagram = this.#sent.peekAt(index)!;
      const { number, messages, waiting } = datagram;
      const left = (message: Outgoing): boolean =>
        !message.done && (!short || message.datagram === number);
      if (waiting && !messages.some(left)) this.#settle(datagram);
    }
    this.#trim();
  }

  /** When the datagram of this number was sent; -Infinity if it is not kept any more. */
  sentAt(number: number): number {
    let from = 0;
    let to = this.#sent.length;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (this.#sent.peekAt(middle)!.number < number) from = middle + 1;
      else to = middle;
    }
    const found = this.#sent.peekAt(from);
    return found?.number === number ? found.sentAt : -Infinity;
  }

  /** The messages that a probe should carry: those of the oldest datagram still waited for. */
  oldest(): readonly Outgoing[] {
    for (let index = 0; index < this.#sent.length; index++) {
      const datagram = this.#sent.peekAt(index)!;
      if (datagram.waiting) return datagram.messages;
    }
    return [];
  }

  #deliver(message: Outgoing): void {
    if (message.done) return;
    message.done = true;
    this.#listener.delivered(message);
  }

  #settle(datagram: SentDatagram): void {
    datagram.waiting = false;
    this.#waiting -= 1;
    if (datagram.repliesOnly) this.#replies -= 1;
    this.#outstanding -= datagram.charge;
    datagram.messages = NONE;
  }

  #trim(): void {
    while (this.#sent.length > 0 && !this.#sent.peekFront()!.waiting) this.#sent.shift();
  }

  #reorderMs(): number {
    const { minimumMs, smoothedMs } = this.#roundTrip;
    return Math.min(this.#reorderSteps * REORDER_SHARE * minimumMs, smoothedMs);
  }

  #recovered(): void {
    this.#recoveries += 1;
    if (this.#recoveries < REORDER_PATIENCE) return;
    this.#recoveries = 0;
    this.#reorderSteps = Math.max(1, this.#reorderSteps - 1);
  }
}
