import Denque from 'denque';
import { Outlet } from './outlet.ts';
import { Subscriber, type SubscriberParts } from './subscriber.ts';
import type { Drop } from '../counters.ts';
import type { Resources } from '../resources.ts';
import { ConnectorError } from '../../core/errors.ts';
import { formatId, groupOf, type ConnectorId } from '../../core/id.ts';
import type { Slab } from '../../core/slab.ts';
import { seqPlus } from '../../reliability/sequence.ts';
import type { Peer, SendOutcome, Source } from '../../transport/transport.ts';
import {
  countNews,
  NO_STREAM,
  readEventHead,
  writeEventHead,
  type EventHead,
} from '../../transport/wire/event.ts';
import * as frame from '../../transport/wire/frame.ts';
import { sameIncarnation } from '../../transport/wire/handshake.ts';

/** A datagram that stands at the start of the slab it was polled into. */
export interface EventSend {
  readonly length: number;
  /** To a group, or, if that is 0, to a peer. */
  readonly group: number;
  readonly peer: Peer;
  /** Takes what became of it. */
  readonly done: (outcome: SendOutcome) => void;
}

/** An ASK that waits to be answered. */
interface Question {
  readonly peer: Peer;
  readonly head: EventHead;
}

/**
 * The events of an endpoint: what it publishes, and what it has subscribed to. They travel outside
 * of sessions (docs/PROTOCOL.md §10). Sans-IO.
 */
export class EventExchange {
  readonly #resources: Resources;
  readonly #now: () => number;
  /** By id. The last one is the living one, if any; the others only say that they have ended. */
  readonly #outlets = new Map<string, Outlet[]>();
  readonly #subscribers = new Map<string, Set<Subscriber>>();
  readonly #questions = new Denque<Question>();
  readonly #touched = new Set<Outlet | Subscriber>();
  #publishers = 0;

  /** `now` is the time of the driver's current turn. */
  constructor(resources: Resources, now: () => number) {
    this.#resources = resources;
    this.#now = now;
  }

  /** Streams that send or may still send. */
  get publishers(): number {
    return this.#publishers;
  }

  get subscribers(): Iterable<Subscriber> {
    return [...this.#subscribers.values()].flatMap((siblings) => [...siblings]);
  }

  /** Begins a stream. Throws `busy`; the caller sees to it that there is one at a time. */
  publish(id: ConnectorId, startedAt: number): Outlet {
    const { limits, random } = this.#resources;
    if (this.#publishers >= limits.publishersMax) {
      throw new ConnectorError('busy', `there are ${this.#publishers} publishers`, {
        outcome: 'not-sent',
      });
    }
    const key = formatId(id);
    const outlet: Outlet = new Outlet({
      id,
      group: groupOf(id),
      stream: { high: random.u32(), low: random.u32() || 1 }, // 0 names none
      resources: this.#resources,
      startedAt,
      touched: () => this.#touch(outlet),
      finished: () => this.#remove(key, outlet),
    });
    const siblings = this.#outlets.get(key);
    if (siblings === undefined) this.#outlets.set(key, [outlet]);
    else siblings.push(outlet);
    this.#publishers += 1;
    return outlet;
  }

  /** Begins a subscription; the caller has joined the group. */
  subscribe(parts: Omit<SubscriberParts, 'resources' | 'now' | 'touched'>): Subscriber {
    const key = formatId(parts.id);
    const subscriber: Subscriber = new Subscriber({
      ...parts,
      resources: this.#resources,
      now: this.#now,
      touched: () => this.#touch(subscriber),
    });
    const siblings = this.#subscribers.get(key);
    if (siblings === undefined) this.#subscribers.set(key, new Set([subscriber]));
    else siblings.add(subscriber);
    return subscriber;
  }

  unsubscribe(subscriber: Subscriber): void {
    const key = formatId(subscriber.parts.id);
    const siblings = this.#subscribers.get(key);
    if (siblings?.delete(subscriber) !== true) return;
    if (siblings.size === 0) this.#subscribers.delete(key);
    this.#touched.delete(subscriber);
    subscriber.close();
  }

  /** Takes the EVENT at slab[start, end). Gives why it was dropped, if it was. */
  handleEvent(
    slab: Slab,
    start: number,
    end: number,
    id: ConnectorId,
    source: Source,
  ): Drop | undefined {
    const head = readEventHead(slab, start, id);
    const count = countNews(slab, start, end, head);
    if (count === undefined) return 'malformed';
    if (sameIncarnation(head.stream, NO_STREAM)) {
      if (count > 0) return 'malformed';
    } else if (head.number === 0) return 'bad-number';
    const last = head.number + Math.max(0, count - 1);
    if (last > Number.MAX_SAFE_INTEGER) return 'bad-number';
    // Only what everybody in the group gets is an event; the rest is an answer to somebody.
    if (count > 0 && source.group !== id.idx) return 'unexpected';
    const subscribers = this.#subscribers.get(formatId(id));
    if (subscribers === undefined) return 'no-subscriber';
    let dropped: Drop | undefined;
    let good = false;
    for (const subscriber of subscribers) {
      const reason = subscriber.handleEvent(slab, start, head, count, source);
      if (reason === undefined) good = true;
      else dropped ??= reason;
    }
    return good ? undefined : dropped;
  }

  /** Takes an ASK. Every one is answered, with no more bytes than it has. */
  handleAsk(slab: Slab, start: number, id: ConnectorId, peer: Peer): Drop | undefined {
    this.#questions.push({ peer, head: readEventHead(slab, start, id) });
    return this.#outlets.has(formatId(id)) ? undefined : 'no-publisher';
  }

  /** This side lost datagrams. */
  handleOverrun(): void {
    for (const subscriber of this.subscribers) subscriber.handleOverrun();
  }

  /** Writes the next datagram into `out`; undefined if there is none. */
  pollTransmit(out: Slab): EventSend | undefined {
    const question = this.#questions.shift();
    if (question !== undefined) return this.#answer(out, question);
    for (const one of this.#touched) {
      const send = one instanceof Outlet ? this.#tell(out, one) : this.#ask(out, one);
      if (send !== undefined) return send;
      this.#touched.delete(one);
    }
    return undefined;
  }

  /** Ends all streams in good order; what they still have to say waits in `pollTransmit`. */
  close(): void {
    for (const outlet of this.#all()) outlet.end();
  }

  /** Gives up what is not sent. */
  destroy(): void {
    for (const outlet of this.#all()) outlet.fail();
    this.#outlets.clear();
    this.#publishers = 0;
  }

  /** Nothing will come any more. */
  fail(message: string): void {
    for (const subscriber of this.subscribers) subscriber.parts.failed(message);
  }

  #tell(out: Slab, outlet: Outlet): EventSend | undefined {
    const length = outlet.pollTransmit(out, this.#now());
    if (length === 0) return undefined;
    const done = (outcome: SendOutcome): void => outlet.transmitted(outcome, this.#now());
    return { length, group: outlet.parts.group, peer: 0, done };
  }

  #ask(out: Slab, subscriber: Subscriber): EventSend | undefined {
    const track = subscriber.pollTransmit(out);
    if (track === undefined) return undefined;
    const done = (outcome: SendOutcome): void =>
      subscriber.transmitted(track, outcome, this.#now());
    return { length: frame.EVENT_LENGTH, group: 0, peer: track.origin.peer, done };
  }

  /** By the rule of the 2005 text: the same seq, ack + 1. If it is lost, the peer asks again. */
  #answer(out: Slab, { peer, head }: Question): EventSend {
    const { id, stream } = head;
    const siblings = this.#outlets.get(formatId(id)) ?? [];
    const asked = siblings.find((outlet) => sameIncarnation(outlet.parts.stream, stream));
    const own = (asked ?? siblings.at(-1))?.head(this.#now());
    const none = { id, number: 0, stream: NO_STREAM, ageMs: 0, withinMs: 0, ended: false };
    const genes = { seq: head.seq, ack: seqPlus(head.ack, 1) };
    writeEventHead(out, frame.EVENT, { ...(own ?? none), ...genes }, frame.EVENT_LENGTH);
    return { length: frame.EVENT_LENGTH, group: 0, peer, done: () => {} };
  }

  #touch(one: Outlet | Subscriber): void {
    this.#touched.add(one);
    this.#resources.armed();
  }

  #remove(key: string, outlet: Outlet): void {
    const siblings = this.#outlets.get(key);
    const index = siblings?.indexOf(outlet) ?? -1;
    if (siblings === undefined || index < 0) return;
    siblings.splice(index, 1);
    if (siblings.length === 0) this.#outlets.delete(key);
    this.#publishers -= 1;
  }

  #all(): Outlet[] {
    return [...this.#outlets.values()].flat();
  }
}
