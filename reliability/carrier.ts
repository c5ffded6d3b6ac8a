import type { CarrierOptions } from './carrier-options.ts';
import { Congestion } from './congestion.ts';
import { Flight, type FlightListener } from './flight.ts';
import type { Kept } from './kept.ts';
import type { Outgoing } from './outgoing.ts';
import { pack } from './packing.ts';
import { probeWaitMs } from './probe.ts';
import { JUMP_MAX, NUMBER_MAX, Received } from './received.ts';
import type { DataRefusal } from './refusal.ts';
import { Retries } from './retries.ts';
import { RoundTrip } from './rtt.ts';
import { SendQueue } from './send-queue.ts';
import { widen } from './sequence.ts';
import { Window } from './window.ts';
import { assert } from '../core/assert.ts';
import { LITTLE_ENDIAN, type Slab } from '../core/slab.ts';
import { cnMsgSeq } from '../transport/wire/cnmsg.ts';
import {
  bitmapReach,
  readBitmap,
  writeDataEnvelope,
} from '../transport/wire/envelope.ts';
import * as frame from '../transport/wire/frame.ts';

/** Numbers kept free for probes and acknowledgements when new messages have used up the rest. */
const RESERVED_NUMBERS = 128;
/** And for probes, when acknowledgements have used up those, too. */
const RESERVED_PROBES = 16;
/** After so many it is no chance that they were lost: one message is enough to ask with. */
const FULL_PROBES = 16;
/** What is allowed grows only while at least this share of it is used. */
const USED_SHARE = 1 / 2;

/**
 * Carries messages to one peer in numbered datagrams until each is acknowledged or withdrawn.
 * Sans-IO, with four families of methods and no others:
 *
 * - getters;
 * - `accept`, `handle*`: what comes in (a datagram's envelope, the passing of time);
 * - commands: `enqueue`, `resend`, `acknowledgeNow`, `askNow`;
 * - `pollTransmit` writes one datagram that should go out now, `transmitted` reports what became of
 *   it, `pollTimeout` says when to call `handleTimeout`.
 *
 * Every mutation is to be followed by polling until `pollTransmit` gives 0, and then `pollTimeout`.
 */
export class Carrier implements FlightListener {
  readonly #options: CarrierOptions;
  readonly #roundTrip: RoundTrip;
  readonly #flight: Flight;
  readonly #received: Received;
  readonly #window: Window;
  readonly #congestion: Congestion;
  readonly #retries: Retries;
  readonly #queue = new SendQueue();
  readonly #bitmap: number[] = [];
  /** The datagram written by `pollTransmit`, until `transmitted` says what became of it. */
  #prepared: { readonly messages: Outgoing[]; readonly charge: number } | undefined;
  #settledAt: number;
  /** When the peer's newest datagram came: our acknowledgement states how long it waited here. */
  #newestAt: number;
  /** Since when something has been waiting for an acknowledgement. */
  #waitingSince = -Infinity;
  #overrunAt = -Infinity;
  #ackDueAt = Infinity;
  #elicitedAt = -Infinity;
  #reorderAt = Infinity;
  /** The datagram accepted last came right after others that are missing. */
  #gapOpened = false;
  #probing = false;
  #probes = 0;
  #late = 0;

  constructor(options: CarrierOptions, now: number) {
    const { traits } = options;
    this.#options = options;
    this.#settledAt = now;
    this.#newestAt = now;
    this.#roundTrip = new RoundTrip(traits.roundTripHintMs, options.grainMs);
    this.#flight = new Flight(options.firstSent, traits.fifo, this.#roundTrip, this);
    this.#received = new Received(options.firstReceived);
    this.#window = new Window(options.grant);
    this.#congestion = new Congestion(this.#roundTrip);
    this.#retries = new Retries(this.#roundTrip, options.grainMs);
  }

  /** True if all that it would do differently from a new one is what `suspend` keeps. */
  get dormant(): boolean {
    const planned = this.#ackDueAt !== Infinity || this.#reorderAt !== Infinity;
    return this.settled && !planned && !this.#retries.pending && this.#prepared === undefined;
  }

  /** Only while it is `dormant`: what is left out is about what is under way. */
  suspend(kept: Kept): void {
    kept.put(this.#settledAt, this.#newestAt, this.#overrunAt, this.#elicitedAt);
    kept.put(this.#probes, this.#late);
    for (const part of this.#parts()) part.suspend(kept);
  }

  resume(kept: Kept): void {
    this.#settledAt = kept.take();
    this.#newestAt = kept.take();
    this.#overrunAt = kept.take();
    this.#elicitedAt = kept.take();
    this.#probes = kept.take();
    this.#late = kept.take();
    for (const part of this.#parts()) part.resume(kept);
  }

  get roundTrip(): RoundTrip {
    return this.#roundTrip;
  }

  /** True if nothing waits to be sent or acknowledged. */
  get settled(): boolean {
    return !this.#flight.waiting && this.#queue.empty;
  }

  /** True if more messages would find room in the next datagram. */
  get hungry(): boolean {
    return this.#queue.freshBytes < this.#options.packedMax;
  }

  /** True if a full queue refused what is still to be sent. */
  get stalled(): boolean {
    return this.#retries.full;
  }

  /** Probes sent since the last acknowledgement. */
  get fruitlessProbes(): number {
    return this.#probes;
  }

  /**
   * How long the peer has acknowledged nothing although something is outstanding, ms. What it sends
   * does not count: a peer that talks and does not listen is gone as well.
   */
  silenceMs(now: number): number {
    if (this.#flight.waiting) return now - Math.max(this.#settledAt, this.#waitingSince);
    return this.#retries.pending ? now - this.#retries.since : 0;
  }

  /** What the peer grants, truesize. */
  get grant(): number {
    return this.#window.grant;
  }

  /** When something of ours was acknowledged last. */
  get settledAt(): number {
    return this.#settledAt;
  }

  /** Since when nothing has come and nothing was asked. */
  get quietSince(): number {
    return Math.max(this.#newestAt, this.#settledAt, this.#elicitedAt);
  }

  /** Queues a message; it goes out when the window allows, in the order of queueing. */
  enqueue(message: Outgoing): void {
    this.#queue.push(message);
  }

  /** Repeats a message that the peer turns out to lack, unless it was sent within a round trip. */
  resend(message: Outgoing, now: number): void {
    if (message.done || !message.transmitted) return;
    if (now - this.#flight.sentAt(message.datagram) < this.#roundTrip.minimumMs) return;
    this.#queue.repeat(message);
  }

  /**
   * Takes the envelope of a DATA datagram at slab[start, …), already checked to be whole and ours.
   * The caller then walks the messages, and plans an acknowledgement if there were any. On refusal
   * nothing has changed.
   */
  accept(slab: Slab, start: number, now: number): DataRefusal | undefined {
    const { view } = slab;
    const high = view.getUint32(start + frame.DATA_NUMBER_HIGH, LITTLE_ENDIAN);
    const number = high * 2 ** 32 + cnMsgSeq(slab, start + frame.ENVELOPE_CN);
    const floor = widen(view.getUint32(start + frame.DATA_FLOOR, LITTLE_ENDIAN), number);
    if (floor > number || number - floor >= frame.TRACKED_DATAGRAMS) return 'bad-number';
    // An honest peer stops long before it has lost so many in a row, or has used all numbers.
    if (number - this.#received.top >= JUMP_MAX || number >= NUMBER_MAX) return 'bad-number';
    const base = widen(
      view.getUint32(start + frame.DATA_ACK_BASE, LITTLE_ENDIAN),
      this.#flight.next,
    );
    readBitmap(slab, start, this.#bitmap);
    if (base + bitmapReach(this.#bitmap) > this.#flight.next) return 'ack-of-unsent';
    const arrival = this.#received.arrival(number);
    if (arrival === 'duplicate') return 'duplicate-datagram';
    if (arrival === 'stale') return 'stale-datagram';
    if (arrival === 'late') this.#late = (this.#late + 1) & 0xffff;
    const newest = number >= this.#received.top;
    this.#gapOpened = number > this.#received.top;
    this.#received.accept(number, floor);
    if (newest) {
      this.#newestAt = now;
      this.#window.setGrant(view.getUint32(start + frame.DATA_GRANT, LITTLE_ENDIAN));
      this.#flight.setLate(view.getUint16(start + frame.DATA_LATE, LITTLE_ENDIAN));
    }
    const delay = view.getUint32(start + frame.DATA_ACK_DELAY, LITTLE_ENDIAN) / 1000;
    this.#takeAcknowledgement(base, delay, now);
    return undefined;
  }

  /**
   * The datagram just accepted had messages: it is to be acknowledged. If none was news, its sender
   * most likely knows by now, and what goes out within a round trip anyway will do.
   */
  planAcknowledgement(news: boolean, now: number): void {
    const { ackDelayMs, smoothedMs } = this.#roundTrip;
    // A gap on a FIFO transport is a loss for certain: the sender should know at once.
    const wait = this.#options.traits.fifo && this.#gapOpened ? 0 : ackDelayMs;
    this.#ackDueAt = Math.min(this.#ackDueAt, now + (news ? wait : smoothedMs));
  }

  /** Does what time has made due; `pollTransmit` then finds it. */
  handleTimeout(now: number): void {
    if (this.#reorderAt <= now) this.#reorderAt = this.#flight.detectLosses(now);
    if (this.#flight.waiting && this.#probeAt() <= now) {
      this.#flight.forget();
      this.#probing = this.#flight.waiting;
      this.#probes += 1;
      this.#elicitedAt = now;
    }
  }

  /** Tells the peer with the next datagram, which goes at once, what has come. */
  acknowledgeNow(now: number): void {
    this.#ackDueAt = Math.min(this.#ackDueAt, now);
  }

  /**
   * Our receive queue overran: telling what did come makes repair take one round trip and not a
   * time-out (semantics 16). Once a round trip is enough, however often it overruns.
   */
  handleOverrun(now: number): void {
    if (now - this.#overrunAt < this.#roundTrip.minimumMs) return;
    this.#overrunAt = now;
    this.acknowledgeNow(now);
  }

  /** When to call `handleTimeout` and poll again; Infinity: not before something else happens. */
  pollTimeout(): number {
    let at = Math.min(this.#ackDueAt, this.#reorderAt);
    if (this.#flight.waiting) at = Math.min(at, this.#probeAt());
    return this.#retries.pending ? this.#retries.at : at;
  }

  /**
   * Writes the datagram that should go out now at the start of `slab` and gives its length, or 0 if
   * there is none. Call `transmitted` before the next `pollTransmit`.
   */
  pollTransmit(slab: Slab, now: number): number {
    assert(this.#prepared === undefined, 'each datagram is reported before the next is asked for');
    if (this.#retries.pending && now < this.#retries.at) return 0;
    if (!this.#queue.empty || this.#probing || now >= this.#ackDueAt) {
      const messages: Outgoing[] = [];
      const messagesAt = frame.DATA_BITMAP + 4 * this.#received.writeBitmap(slab, 0);
      const end = this.#choose(messagesAt, messages);
      // With the numbers used up, the acknowledgement goes with the next probe, which makes room.
      if (this.#flight.spare <= RESERVED_PROBES) this.#ackDueAt = Infinity;
      if (messages.length > 0 || now >= this.#ackDueAt) {
        pack(slab, messagesAt, messages, now);
        this.#writeEnvelope(slab, messagesAt, end, now);
        this.#prepared = { messages, charge: this.#options.traits.truesize(end) };
        return end;
      }
    }
    this.#retries.clear(); // what was refused has been withdrawn meanwhile
    return 0;
  }

  /** The transport took the datagram of the last `pollTransmit`. Gives its messages. */
  transmitted(now: number): readonly Outgoing[] {
    const prepared = this.#takePrepared();
    for (const message of prepared.messages) this.#queue.remove(message);
    if (!this.#flight.waiting) this.#waitingSince = now;
    this.#flight.sent(prepared.messages, prepared.charge, now);
    if (prepared.messages.length > 0) this.#elicitedAt = now;
    this.#probing = false;
    this.#ackDueAt = Infinity;
    this.#retries.clear();
    return prepared.messages;
  }

  /** It did not: a queue is full since `since` (`full`), or memory is short. Nothing is lost. */
  refused(full: boolean, since: number, now: number): void {
    this.#takePrepared();
    if (full) this.#window.decrease(this.#flight.outstanding);
    this.#retries.refused(full, since, now);
  }

  /** What was refused may be sent: the receiver has shown that it reads. */
  askNow(): void {
    this.#retries.clear();
  }

  delivered(message: Outgoing): void {
    this.#options.delivered(message);
  }

  lost(message: Outgoing): void {
    this.#queue.repeat(message);
  }

  measured(roundTripMs: number, perMs: number, now: number): void {
    this.#congestion.measured(roundTripMs, perMs, now);
  }

  thinned(now: number): void {
    this.#congestion.lost(now);
    this.#options.thinned();
  }

  #parts(): readonly { suspend(kept: Kept): void; resume(kept: Kept): void }[] {
    return [this.#roundTrip, this.#flight, this.#received, this.#window, this.#congestion];
  }

  #probeAt(): number {
    const { lossless } = this.#options.traits;
    const options = { repliesOnly: this.#flight.repliesOnly, probes: this.#probes, lossless };
    return this.#elicitedAt + probeWaitMs(this.#roundTrip, options);
  }

  #takeAcknowledgement(base: number, delayMs: number, now: number): void {
    const used = this.#flight.outstanding >= this.#congestion.limit * USED_SHARE;
    const settled = this.#flight.acknowledge(base, this.#bitmap, delayMs, now);
    if (settled > 0) {
      if (used) this.#congestion.grow(settled, this.#window.grant);
      this.#settledAt = now;
      this.#window.increase(settled);
      this.#probes = 0;
      this.#retries.clear();
    }
    this.#reorderAt = this.#flight.detectLosses(now);
  }

  #writeEnvelope(slab: Slab, messagesAt: number, end: number, now: number): void {
    const { id, ownSession, peerSession, peerTag, ownGrant } = this.#options;
    writeDataEnvelope(slab, messagesAt, end, {
      id,
      session: peerSession,
      tag: peerTag,
      source: ownSession,
      number: this.#flight.next,
      floor: this.#flight.floor,
      ackBase: this.#received.base,
      ackDelayMs: now - this.#newestAt,
      grant: ownGrant(),
      late: this.#late,
    });
  }

  /** Chooses what may go into the datagram from `at` on; gives its end. */
  #choose(at: number, messages: Outgoing[]): number {
    const { packedMax, traits } = this.#options;
    const { spare, outstanding } = this.#flight;
    let end = at;
    const put = (message: Outgoing): void => {
      end += message.size;
      messages.push(message);
    };
    if (this.#probing && spare > 0) {
      for (const message of this.#flight.oldest()) {
        if (message.done || message.queued) continue;
        if (end + message.size > traits.datagramMax) break; // the bitmap has grown since
        put(message);
        if (this.#probes > FULL_PROBES) return end;
      }
    }
    const first = this.#queue.first();
    if (first === undefined || spare <= RESERVED_NUMBERS) return end;
    const { limit } = this.#congestion;
    const credit = Math.min(this.#window.available(outstanding), limit - outstanding);
    const needed = end + first.size;
    // With nothing under way one datagram always goes: an empty queue takes any (KF §6.1). So does
    // one as a probe, whose messages may all be waiting here to be sent again.
    const always = end === at && (outstanding === 0 || this.#probing);
    const charge = traits.truesize(needed);
    if (charge > credit && !always) return end;
    if (needed > traits.datagramMax) return end; // behind what is probed with there is no room
    const max = Math.min(packedMax, traits.datagramMax);
    const room = Math.max(needed, this.#window.lengthWithin(credit, max, traits));
    this.#queue.visit((message) => {
      const length = end + message.size;
      // Beyond what credit is for goes what costs no more than the first message does anyway.
      if (length > room && (length > max || traits.truesize(length) > charge)) return false;
      put(message);
      return true;
    });
    return end;
  }

  #takePrepared(): { readonly messages: Outgoing[]; readonly charge: number } {
    const prepared = this.#prepared;
    assert(prepared !== undefined, 'a datagram was written before its fate is reported');
    this.#prepared = undefined;
    return prepared;
  }
}
