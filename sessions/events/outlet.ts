import Denque from 'denque';
import type { Resources, Timed } from '../resources.ts';
import { ConnectorError } from '../../core/errors.ts';
import type { ConnectorId } from '../../core/id.ts';
import type { Slab } from '../../core/slab.ts';
import { seqPlus } from '../../reliability/sequence.ts';
import type { Expiring } from '../../reliability/wheel.ts';
import type { SendOutcome } from '../../transport/transport.ts';
import {
  newsLength,
  writeEventHead,
  writeNews,
  type EventHead,
  type News,
} from '../../transport/wire/event.ts';
import * as frame from '../../transport/wire/frame.ts';
import type { Incarnation } from '../../transport/wire/handshake.ts';

/**
 * The longest datagram that is packed of several events. With the kernel's book-keeping it fills
 * 16 KiB, and a multicast is charged a power of two (KF §6.1): a byte more would cost twice that.
 */
const PACKED_MAX = 16_064;
/** Beacons after the last event, and how they are spaced (P10.7). */
const BEACONS = 6;
const SPACING_FIRST = 2;
const SPACING_FACTOR = 4;
const SPACING_MAX_MS = 10_000;
/** A lack of memory, or of room, is short-lived. */
const RETRY_MS = 1;
const UNSENT = { outcome: 'not-sent' } as const;

/** An event that waits for the transport. */
export interface Unsent {
  readonly news: News;
  /** The transport took it, under this number. */
  readonly sent: (number: number) => void;
  readonly failed: (error: ConnectorError) => void;
}

/** Ties an outlet to its endpoint. */
export interface OutletParts {
  readonly id: ConnectorId;
  readonly group: number;
  readonly stream: Incarnation;
  readonly resources: Resources;
  readonly startedAt: number;
  /** It has something to send. */
  readonly touched: () => void;
  /** It will never send again. */
  readonly finished: () => void;
}

/**
 * One stream at its publisher: gives the events their numbers when the transport takes them, and
 * says afterwards how far it has come, so that a lost last event is missed as well. Sans-IO.
 */
export class Outlet implements Timed {
  readonly parts: OutletParts;
  deadline: number = Infinity;
  earlier: Expiring | undefined = undefined;
  later: Expiring | undefined = undefined;
  slot = -1;
  readonly #queue = new Denque<Unsent>();
  #queuedBytes = 0;
  /** The number of the next event that the transport takes. */
  #next = 1;
  #seq: number;
  /** Events in the datagram that was polled last. */
  #polled = 0;
  #beacons = 0;
  #beaconDue = false;
  #retryAt = 0;
  #closed: (() => void) | undefined;
  #ended = false;
  #failed = false;

  constructor(parts: OutletParts) {
    this.parts = parts;
    this.#seq = parts.resources.random.u32();
  }

  /** Queues an event. Throws `busy` where its bound is reached, `closed` after `fail`. */
  enqueue(unsent: Unsent): void {
    if (this.#failed) throw new ConnectorError('closed', 'the endpoint is closed', UNSENT);
    const { limits } = this.parts.resources;
    const size = newsLength(unsent.news);
    const bytes = this.#queuedBytes + size;
    if (this.#queue.length >= limits.eventsQueuedMax || bytes > limits.eventBytesQueuedMax) {
      const message = `${this.#queue.length} events wait for the transport`;
      throw new ConnectorError('busy', message, UNSENT);
    }
    this.#queue.push(unsent);
    this.#queuedBytes = bytes;
    this.parts.touched();
  }

  /** Ends the stream when what is queued has been sent; then calls `closed`. */
  end(closed?: () => void): void {
    if (this.#ended) return;
    this.#closed = closed;
    this.#ended = true;
    this.#beacons = 0;
    this.#beaconDue = true;
    this.parts.touched();
  }

  /** The endpoint is closed: gives up what is queued; nothing is sent any more. */
  fail(): void {
    this.#failed = true;
    const error = new ConnectorError('closed', 'the endpoint is closed', UNSENT);
    while (this.#queue.length > 0) this.#drop(error);
    this.#closed?.();
  }

  /** Writes the next datagram; gives its length, 0 if there is none. */
  pollTransmit(out: Slab, now: number): number {
    this.#polled = 0;
    if (now < this.#retryAt) return 0;
    const max = Math.min(PACKED_MAX, out.bytes.length);
    let at: number = frame.EVENT_LENGTH;
    for (let index = 0; index < this.#queue.length; index++) {
      const { news } = this.#queue.peekAt(index)!;
      if (index > 0 && at + newsLength(news) > max) break;
      at = writeNews(out, at, this.parts.id, this.#next + index, news);
      this.#polled += 1;
    }
    if (this.#polled === 0 && !this.#beaconDue) return 0;
    const { random } = this.parts.resources;
    const beacons = this.#polled > 0 ? 0 : this.#beacons + 1;
    // Events still in the queue come after this datagram, which must not be the end then.
    const ended = this.#ended && this.#polled === this.#queue.length;
    const withinMs = this.#spacing(beacons);
    const genes = { seq: this.#seq, ack: random.u32() };
    writeEventHead(out, frame.EVENT, { ...this.#head(now), ...genes, withinMs, ended }, at);
    return at;
  }

  /** Takes what became of the datagram that was polled. */
  transmitted(outcome: SendOutcome, now: number): void {
    if (outcome === 'busy' || outcome === 'no-memory') {
      this.#retryAt = now + RETRY_MS;
      this.#file(this.#retryAt);
      return;
    }
    this.#seq = seqPlus(this.#seq, 1);
    // Nobody in the group is nobody who misses it.
    if (outcome === 'sent' || outcome === 'no-peer') this.#count();
    else this.#refuse(outcome);
    this.#beacons = this.#polled > 0 ? 0 : this.#beacons + 1;
    this.#beaconDue = false;
    const spacing = this.#spacing(this.#beacons);
    this.#file(spacing === 0 ? Infinity : now + spacing);
    if (!this.#ended || this.#queue.length > 0) return;
    this.#closed?.();
    this.#closed = undefined;
    if (spacing === 0) this.parts.finished();
  }

  /** What an ASK is answered with. */
  head(now: number): Omit<EventHead, 'seq' | 'ack'> {
    const withinMs = this.deadline === Infinity ? 0 : Math.max(1, this.deadline - now);
    const ended = this.#ended && this.#queue.length === 0;
    return { ...this.#head(now), withinMs, ended };
  }

  expire(): void {
    this.deadline = Infinity;
    if (this.#queue.length === 0) this.#beaconDue = true;
    this.parts.touched();
  }

  #head(now: number): Pick<EventHead, 'id' | 'number' | 'stream' | 'ageMs'> {
    const { id, stream, startedAt } = this.parts;
    return { id, number: this.#next, stream, ageMs: now - startedAt };
  }

  /** The time to the next beacon after so many; 0 after the last. */
  #spacing(beacons: number): number {
    if (beacons >= BEACONS) return 0;
    const first = SPACING_FIRST * this.parts.resources.traits.roundTripHintMs;
    return Math.min(first * SPACING_FACTOR ** beacons, SPACING_MAX_MS);
  }

  #count(): void {
    this.parts.resources.counters.eventsSent += this.#polled;
    for (let count = 0; count < this.#polled; count++) {
      const unsent = this.#queue.shift()!;
      this.#queuedBytes -= newsLength(unsent.news);
      unsent.sent(this.#next);
      this.#next += 1;
    }
  }

  #refuse(outcome: 'denied' | 'too-big'): void {
    const error =
      outcome === 'denied'
        ? new ConnectorError('refused', 'the system does not let this process multicast', UNSENT)
        : new ConnectorError('too-big', 'the transport carries no event of this length', UNSENT);
    for (let count = 0; count < this.#polled; count++) this.#drop(error);
  }

  #drop(error: ConnectorError): void {
    const unsent = this.#queue.shift()!;
    this.#queuedBytes -= newsLength(unsent.news);
    unsent.failed(error);
  }

  #file(at: number): void {
    const { deadlines } = this.parts.resources;
    deadlines.remove(this);
    this.deadline = at;
    deadlines.add(this);
  }
}
