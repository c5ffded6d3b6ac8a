import { Account, type Beginning } from './account.ts';
import type { ListenerPlan } from './plan.ts';
import { EventRecord, StreamRecord, type EventForm } from './stream.ts';
import type { Ledger } from '../ledger.ts';
import { NO_EVENTS, type EventCounts } from '../result.ts';
import type { Trace } from '../trace.ts';
import { isConnectorError } from '../../../core/errors.ts';
import type { EventItem, Gap, PublishedEvent } from '../../../sessions/events/item.ts';
import type { Peer } from '../../../transport/transport.ts';

/** Streams of one address that a subscription follows (P10.11). */
const STREAMS_MAX = 4;
/** A time under way that nobody measures: who has read late has heard late. */
const SLACK_MS = 20;

/** What the world allows. */
export interface Allowance {
  /** The longest time from sending to hearing, copies and clocks that jump included, ms. */
  readonly wayMs: number;
  /** Clocks jump, so that ages and times are not those of the world. */
  readonly jumps: boolean;
  /** The peer that may say anything in its own name. */
  readonly hostile: Peer;
}

/** One subscription, as the model knows it. */
export interface Hearing {
  /** The incarnation that listens. */
  readonly who: string;
  readonly address: Peer;
  readonly plan: ListenerPlan;
  readonly joinedMs: number;
  /** It follows so few senders that some may be forgotten. */
  readonly forgetful: boolean;
  /** By sender and stream. */
  readonly accounts: Map<string, Account>;
  over: boolean;
}

/**
 * The book of events: what was published, and what each subscription was given or told to be
 * missing, which together have to be the same (P10.1, P10.4).
 */
export class EventBook {
  readonly counts: { -readonly [Name in keyof EventCounts]: EventCounts[Name] } = { ...NO_EVENTS };
  readonly hearings: Hearing[] = [];
  readonly #now: () => number;
  readonly #ledger: Ledger;
  readonly #trace: Trace;
  readonly #allowance: Allowance;
  readonly #events: EventRecord[] = [];
  readonly #streams = new Map<string, StreamRecord>();
  /** By address, in the order in which they began. */
  readonly #byPeer = new Map<Peer, StreamRecord[]>();
  /** From then on nobody may be taken for dead who lives. */
  #calmMs = Infinity;

  constructor(now: () => number, ledger: Ledger, trace: Trace, allowance: Allowance) {
    this.#now = now;
    this.#ledger = ledger;
    this.#trace = trace;
    this.#allowance = allowance;
  }

  get streams(): readonly StreamRecord[] {
    return [...this.#streams.values()];
  }

  /** A publisher was made. */
  begin(sender: Peer, name: string, topic: number, who: string): StreamRecord {
    const stream = new StreamRecord(sender, name, topic, who, this.#now());
    this.#trace.note(who, `begins the ${stream}, topic ${topic}`);
    this.#streams.set(keyOf(sender, name), stream);
    const siblings = this.#byPeer.get(sender);
    if (siblings === undefined) this.#byPeer.set(sender, [stream]);
    else siblings.push(stream);
    return stream;
  }

  end(stream: StreamRecord): void {
    stream.over = true;
    this.#trace.note(stream.who, `the ${stream} is over at ${stream.last}`);
  }

  /** An event is about to be published. */
  issue(stream: StreamRecord, form: EventForm, length: number): EventRecord {
    const event = new EventRecord(this.#events.length, stream, form, length);
    this.#events.push(event);
    return event;
  }

  /** It has this number. */
  sent(event: EventRecord, number: number): void {
    const { stream } = event;
    stream.sentMs.push(this.#now());
    event.settled = number;
    this.counts.published += 1;
    this.#trace.note(stream.who, `publishes ${event.id} as ${number} of the ${stream}`);
    if (number !== stream.last) this.#wrong(`${event} is number ${number}, after ${stream.last}`);
  }

  refused(event: EventRecord, error: unknown, tooLong: boolean): void {
    event.settled = 'refused';
    this.#trace.note(event.stream.who, `cannot publish ${event.id}: ${String(error)}`);
    if (!isConnectorError(error, 'too-big', 'busy', 'closed') || error.outcome !== 'not-sent') {
      this.#wrong(`${event} failed with ${String(error)}`);
    } else if ((error.code === 'too-big') !== tooLong) {
      this.#wrong(`${event}, of ${event.length} B, was ${error.code}`);
    }
  }

  /** Somebody subscribes. */
  hear(who: string, address: Peer, plan: ListenerPlan, forgetful: boolean): Hearing {
    this.#trace.note(who, `subscribes to topic ${plan.topic}, ${plan.buffer} may wait`);
    const accounts = new Map<string, Account>();
    const joinedMs = this.#now();
    const hearing = { who, address, plan, joinedMs, forgetful, accounts, over: false };
    this.hearings.push(hearing);
    return hearing;
  }

  leave(hearing: Hearing): void {
    hearing.over = true;
    this.#trace.note(hearing.who, 'leaves a subscription');
  }

  /** A subscription is given something. */
  take(hearing: Hearing, item: EventItem): void {
    const { sender } = item;
    const key = keyOf(sender, item.stream);
    const stream = this.#streams.get(key);
    const account = hearing.accounts.get(key) ?? new Account(this.#beginning(hearing, stream));
    hearing.accounts.set(key, account);
    const { who } = hearing;
    this.#trace.note(who, `hears ${textOf(item)} of the ${stream ?? `stream of ${sender}`}`);
    const problem = this.#judge(hearing, item, stream);
    if (problem !== undefined) this.#wrong(`${who} heard ${textOf(item)}: ${problem}`);
    const place = item.kind === 'event' ? account.give(item.number) : account.miss(item);
    const name = String(stream ?? `a stream of ${sender}`);
    if (place !== undefined) this.#wrong(`${who} heard ${textOf(item)} of ${name}: ${place}`);
  }

  /** From now on there is no excuse for taking somebody for dead who lives. */
  calm(): void {
    this.#calmMs = this.#now();
  }

  /** The event of this number, if it was published. */
  eventOf(stream: StreamRecord, number: number): EventRecord | undefined {
    return this.#events.find((each) => each.stream === stream && each.settled === number);
  }

  /** The account that a subscription keeps of a stream, if it has heard of it. */
  accountOf(hearing: Hearing, stream: StreamRecord): Account | undefined {
    return hearing.accounts.get(keyOf(stream.sender, stream.name));
  }

  /** Whether a subscription may have forgotten one stream of this address. */
  forgettable({ forgetful }: Hearing, sender: Peer): boolean {
    return forgetful || (this.#byPeer.get(sender)?.length ?? 0) > STREAMS_MAX;
  }

  /** Notes what is open when all is over. */
  judge(): void {
    for (const event of this.#events) {
      if (event.settled === undefined) this.#wrong(`${event} never got a number`);
    }
  }

  #beginning(hearing: Hearing, stream: StreamRecord | undefined): Beginning {
    const { jumps, wayMs } = this.#allowance;
    if (stream === undefined || jumps || this.forgettable(hearing, stream.sender)) {
      return 'anywhere';
    }
    if (stream.beganMs >= hearing.joinedMs) return 'from 1';
    const older = hearing.joinedMs - stream.beganMs;
    return older > wayMs + SLACK_MS ? 'not from 1' : 'anywhere';
  }

  #judge(hearing: Hearing, item: EventItem, stream: StreamRecord | undefined): string | undefined {
    const { hostile } = this.#allowance;
    if (hearing.over) return 'it had left';
    if (item.sender === hostile) return hearing.plan.choosy ? 'its rule forbids that' : undefined;
    if (stream === undefined) return 'a stream that nobody published';
    if (stream.sender === hearing.address) return 'its own words';
    if (stream.topic !== hearing.plan.topic) return 'it did not subscribe to that';
    return item.kind === 'event' ? this.#event(item, stream) : this.#gap(hearing, item, stream);
  }

  #event(item: PublishedEvent, stream: StreamRecord): string | undefined {
    this.counts.given += 1;
    const { number, topic, value, credentials } = item;
    if (credentials?.pid !== item.sender) return 'the credentials of another';
    const event = this.eventOf(stream, number);
    if (event === undefined) return 'never published';
    return event.is(topic, value) ? undefined : 'that is not what was published';
  }

  #gap(hearing: Hearing, gap: Gap, stream: StreamRecord): string | undefined {
    this.counts.gaps += 1;
    if (gap.missed !== 'unknown') {
      this.counts.missed += gap.missed;
      if (gap.reason === 'unreadable') return 'it can be read';
      return gap.next! - 1 > stream.last ? `only ${stream.last} were published` : undefined;
    }
    this.counts.unknown += 1;
    const siblings = this.#byPeer.get(stream.sender)!;
    const forgettable = this.forgettable(hearing, stream.sender);
    const restarted = siblings.at(-1) !== stream;
    const calm = this.#now() > this.#calmMs;
    if (gap.reason === 'restarted' && !restarted) return 'no other stream ever was there';
    if (gap.reason === 'forgotten' && !forgettable) return 'nobody had to be forgotten';
    return calm && !stream.over && !forgettable ? 'its publisher lives' : undefined;
  }

  #wrong(sentence: string): void {
    this.#ledger.violated(sentence);
  }
}

function keyOf(sender: Peer, name: string): string {
  return `${sender} ${name}`;
}

function textOf(item: EventItem): string {
  if (item.kind === 'event') return `${item.number}`;
  const { missed, next, reason } = item;
  return `a gap of ${missed} (${reason})${next === undefined ? '' : ` up to ${next}`}`;
}
