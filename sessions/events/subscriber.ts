import { Asks } from './asks.ts';
import { Backlog, type EventEntry, type Origin } from './backlog.ts';
import type { GapReason } from './item.ts';
import { Order, type Holding } from './order.ts';
import { Senders } from './senders.ts';
import { Track } from './track.ts';
import type { Drop } from '../counters.ts';
import type { Resources } from '../resources.ts';
import type { AllowRule } from '../service.ts';
import type { ConnectorId } from '../../core/id.ts';
import type { Slab } from '../../core/slab.ts';
import type { Peer, SendOutcome, Source } from '../../transport/transport.ts';
import {
  formatStream,
  newsEnd,
  NO_STREAM,
  readNews,
  writeEventHead,
  type EventHead,
} from '../../transport/wire/event.ts';
import * as frame from '../../transport/wire/frame.ts';
import { sameIncarnation } from '../../transport/wire/handshake.ts';

/** No promise to send again is waited for longer: a publisher's own are up to 10 s. */
const WITHIN_MAX_MS = 60_000;
/** What an event is charged besides its bytes. */
const ENTRY_CHARGE = 128;
/**
 * A process that wakes so late finds its timers first and its queue after them. It reads for so
 * long before it believes that something did not come.
 */
const LATE_MS = 2;
const READING_MS = 1;

/** Ties a subscriber to its endpoint. */
export interface SubscriberParts {
  readonly id: ConnectorId;
  readonly allow: AllowRule;
  /** When the group was joined. */
  readonly joinedAt: number;
  /** Events that may wait for the listener. */
  readonly unreadMax: number;
  readonly resources: Resources;
  readonly now: () => number;
  /** It has something to send. */
  readonly touched: () => void;
  /** It may have something for the listener. */
  readonly arrived: () => void;
  /** The transport failed. */
  readonly failed: (message: string) => void;
}

/**
 * One subscription: the events of all streams of an id, each stream in order, and what is missing
 * of them (P10.4 to P10.12). Sans-IO.
 */
export class Subscriber {
  readonly parts: SubscriberParts;
  readonly backlog: Backlog;
  readonly #senders: Senders;
  readonly #asks: Asks;
  readonly #holding: Holding = { count: 0, bytes: 0 };
  readonly #windowMs: number;
  /** Copies may come, and come late: not so from a queue in the kernel. */
  readonly #copies: boolean;
  #closed = false;

  constructor(parts: SubscriberParts) {
    const { limits, traits, counters } = parts.resources;
    const bounds = { entries: parts.unreadMax, bytes: limits.eventBytesUnreadMax };
    this.parts = parts;
    this.backlog = new Backlog(bounds, counters);
    this.#senders = new Senders(limits.eventSendersMax, (track) => this.#forget(track));
    this.#asks = new Asks(parts.resources);
    this.#windowMs = traits.fifo ? 0 : Math.max(limits.eventReorderMs, traits.roundTripHintMs);
    this.#copies = !(traits.fifo && traits.lossless);
  }

  /** Takes a whole EVENT with `count` events. Gives why it was dropped, if it was. */
  handleEvent(
    slab: Slab,
    start: number,
    head: EventHead,
    count: number,
    source: Source,
  ): Drop | undefined {
    const now = this.parts.now();
    if (!this.#allows(source)) return 'denied';
    if (this.#closed) return 'no-subscriber'; // by its own rule, just now
    const answer = this.#handleAnswer(head, source.peer, now);
    if (sameIncarnation(head.stream, NO_STREAM)) return answer ? undefined : 'unexpected';
    const known = this.#senders.find(source.peer, head.stream);
    const track = known ?? this.#meet(head, source.peer, now);
    if (typeof track === 'string') return track;
    const { order } = track;
    if (track.over) {
      this.parts.resources.counters.eventsStale += count;
      return 'stale-event';
    }
    if (order === undefined) {
      this.#file(track);
      return 'unconfirmed';
    }
    const before = order.known;
    order.tell(head.number, now);
    const taken = this.#take(slab, start, head, count, track, source);
    if (head.number + count >= before) this.#promise(track, head, now);
    this.#file(track);
    this.parts.arrived();
    return count > 0 && taken === 0 ? 'stale-event' : undefined;
  }

  /** This side lost datagrams: every sender is asked how far it has come. */
  handleOverrun(): void {
    for (const track of this.#senders.tracks()) {
      if (!track.over && !track.ended) this.#asks.begin(track);
    }
    this.parts.touched();
  }

  /** Writes the next question; gives whom it goes to. */
  pollTransmit(out: Slab): Track | undefined {
    const track = this.#asks.poll();
    if (track === undefined) return undefined;
    const { seq, ack } = track.inquiry!;
    const { stream, order } = track;
    const { id } = this.parts;
    const number = order?.next ?? 0;
    const head = { id, seq, ack, number, stream, ageMs: 0, withinMs: 0, ended: false };
    writeEventHead(out, frame.ASK, head, frame.EVENT_LENGTH);
    return track;
  }

  /** Takes what became of a question. */
  transmitted(track: Track, outcome: SendOutcome, now: number): void {
    if (outcome === 'no-peer' && this.parts.resources.traits.reportsDeath) {
      this.#finish(track, 'gone');
      return;
    }
    this.#asks.asked(track, now);
    this.#file(track);
  }

  /** Nothing is waited for any more. */
  close(): void {
    this.#closed = true;
    for (const track of this.#senders.tracks()) this.#forget(track);
    this.backlog.clear();
  }

  #allows(source: Source): boolean {
    try {
      return this.parts.allow(source.credentials, source.peer);
    } catch {
      return false;
    }
  }

  /** Settles the question that this answers; false if it answers none. */
  #handleAnswer(head: EventHead, peer: Peer, now: number): boolean {
    const track = this.#senders.of(peer).find((each) => this.#asks.isAnswer(each, head));
    if (track === undefined) return false;
    this.parts.touched(); // others may wait for their turn
    if (sameIncarnation(head.stream, track.stream)) {
      this.#asks.answered(track, now);
      track.order ??= this.#order(track.origin, head.number);
    } else {
      track.over = true;
      this.#finish(track, sameIncarnation(head.stream, NO_STREAM) ? 'gone' : 'restarted');
    }
    return true;
  }

  /** A stream that is not known: says from which number on it is followed, or why it is not. */
  #meet(head: EventHead, peer: Peer, now: number): Track | Drop {
    const forgotAt = this.#senders.forgotAt(peer);
    if (this.backlog.full || !this.#senders.makeRoom(peer, now)) return 'over-limit';
    for (const older of this.#senders.of(peer)) {
      if (!older.over && !older.ended) this.#asks.begin(older);
    }
    const origin: Origin = { peer, name: formatStream(head.stream), trailing: undefined };
    const track = new Track(origin, head.stream, (due) => this.#due(due));
    this.#senders.add(track);
    const startedAt = head.ageMs === frame.AGE_MAX ? -Infinity : now - head.ageMs;
    // One that may have been forgotten may also be all copies: then only its publisher can tell.
    const doubtful = this.#copies ? forgotAt > -Infinity : startedAt < forgotAt;
    if (doubtful) this.backlog.missUnknown(origin, 'forgotten');
    if (doubtful && this.#copies) this.#asks.begin(track);
    else {
      const young = startedAt >= this.parts.joinedAt && !doubtful;
      track.order = this.#order(origin, young ? 1 : Math.max(1, head.number));
    }
    this.parts.touched();
    return track;
  }

  #order(origin: Origin, next: number): Order<EventEntry> {
    const give = (entry: EventEntry): void => this.backlog.give(entry);
    const miss = (count: number, until: number): void =>
      this.backlog.miss(origin, count, until, 'lost');
    const sink = { give, miss };
    return new Order({ next, windowMs: this.#windowMs, holding: this.#holding, sink });
  }

  /** Gives the events of a datagram to the order of their stream; tells how many were news. */
  #take(
    slab: Slab,
    start: number,
    head: EventHead,
    count: number,
    track: Track,
    source: Source,
  ): number {
    const { limits, counters } = this.parts.resources;
    const order = track.order!;
    const credentials = source.credentials && { ...source.credentials };
    const now = this.parts.now();
    let taken = 0;
    let at = start + frame.EVENT_LENGTH;
    for (let index = 0; index < count; index++) {
      const number = head.number + index;
      if (number >= order.next) {
        const news = readNews(slab, at);
        const size = news.topic.length + news.value.length + ENTRY_CHARGE;
        const { origin } = track;
        const entry: EventEntry = { kind: 'event', origin, number, credentials, news, size };
        if (order.take(number, entry, size, now)) taken += 1;
      }
      at = newsEnd(slab, at);
    }
    counters.eventsStale += count - taken;
    const { eventsHeldMax, eventBytesHeldMax } = limits;
    const holding = this.#holding;
    while (
      (holding.count > eventsHeldMax || holding.bytes > eventBytesHeldMax) &&
      order.deadline < Infinity
    ) {
      order.giveUpFirst();
    }
    return taken;
  }

  /** Notes what the publisher says of what is to come. */
  #promise(track: Track, head: EventHead, now: number): void {
    track.ended ||= head.ended;
    const withinMs = Math.min(head.withinMs, WITHIN_MAX_MS);
    const slackMs = this.parts.resources.traits.roundTripHintMs;
    track.watchAt = withinMs === 0 || track.ended ? Infinity : now + 2 * withinMs + slackMs;
  }

  #due(track: Track): void {
    const now = this.parts.now();
    track.excused = !track.excused && now - track.nextAt > LATE_MS;
    if (track.excused) {
      this.#refile(track, now + READING_MS);
      return;
    }
    track.order?.expire(now);
    if (track.watchAt <= now) {
      track.watchAt = Infinity;
      this.#asks.begin(track);
    }
    const { inquiry } = track;
    if (inquiry !== undefined && inquiry.at <= now && !this.#asks.retry(track)) {
      this.#finish(track, 'gone');
    }
    this.#file(track);
    this.parts.touched();
    this.parts.arrived();
  }

  /** Nobody can be asked any more what the stream published last. */
  #finish(track: Track, reason: GapReason): void {
    this.#asks.end(track);
    this.parts.touched(); // others may wait for their turn
    track.watchAt = Infinity;
    if (track.order === undefined) {
      if (!track.over) this.#senders.remove(track);
    } else {
      track.order.flush();
      if (!track.ended) this.backlog.missUnknown(track.origin, reason);
    }
    this.parts.arrived();
  }

  #forget(track: Track): void {
    this.#asks.end(track);
    this.parts.resources.deadlines.remove(track);
  }

  /** Sees to it that the track is looked at in time; a time put off finds nothing to do. */
  #file(track: Track): void {
    const at = track.nextAt;
    if (at < track.deadline) this.#refile(track, at);
  }

  #refile(track: Track, at: number): void {
    const { deadlines } = this.parts.resources;
    deadlines.remove(track);
    track.deadline = at;
    deadlines.add(track);
  }
}
