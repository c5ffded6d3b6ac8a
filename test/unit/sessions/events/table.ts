import { Hand } from '../../../fuzz/hand.ts';
import { createEndpoint, SeededRandom, VirtualClock } from '../../../../index.ts';
import type {
  Clock,
  Credentials,
  Drop,
  Endpoint,
  EventItem,
  Limits,
  SubscribeOptions,
  Timer,
  Traits,
} from '../../../../index.ts';
import { align4, Slab } from '../../../../core/slab.ts';
import { cnMsgFlags } from '../../../../transport/wire/cnmsg.ts';
import {
  newsLength,
  readEventHead,
  writeEventHead,
  writeNews,
  type EventHead,
} from '../../../../transport/wire/event.ts';
import * as frame from '../../../../transport/wire/frame.ts';

/** The id that events are told of here, and its group. */
export const ID = { idx: 7, val: 1 };
/** The address of the publisher whose part the test plays, and its stream. */
export const SENDER = 9;
export const STREAM = { high: 0x0102_0304, low: 0x0506_0708 };
const encoder = new TextEncoder();

/** An EVENT, or another datagram with its head, made by hand. */
export function eventBytes(
  changes: Partial<EventHead> & { readonly kind?: number },
  values: readonly string[] = [],
): Uint8Array {
  const news = values.map((value) => ({
    topic: encoder.encode('t'),
    format: frame.FORMAT_JSON,
    value: encoder.encode(value),
  }));
  const total = news.reduce((sum, each) => sum + newsLength(each), frame.EVENT_LENGTH);
  const slab = new Slab(align4(total));
  const { kind = frame.EVENT, ...rest } = changes;
  const head = {
    id: ID,
    seq: 1,
    ack: 2,
    number: 1,
    stream: STREAM,
    ageMs: 0,
    withinMs: 0,
    ended: false,
    ...rest,
  };
  let at: number = frame.EVENT_LENGTH;
  news.forEach((each, index) => {
    at = writeNews(slab, at, head.id, head.number + index, each);
  });
  writeEventHead(slab, kind, head, total);
  return slab.bytes;
}

/** A copy with something changed. */
export function altered(bytes: Uint8Array, change: (view: DataView) => void): Uint8Array {
  const slab = new Slab(bytes.slice());
  change(slab.view);
  return slab.bytes;
}

/** The clock of a process that may stand still for a while: it wakes, and its timers are late. */
class StoppedClock implements Clock {
  readonly grainMs = 0.1;
  stoodMs = 0;
  readonly #inner: Clock;

  constructor(inner: Clock) {
    this.#inner = inner;
  }

  now(): number {
    return this.#inner.now() + this.stoodMs;
  }

  timer(fire: () => void): Timer {
    const timer = this.#inner.timer(fire);
    return { arm: (at) => timer.arm(at - this.stoodMs), disarm: () => timer.disarm() };
  }
}

/** An endpoint whose datagrams pass through our hands, and what its subscription gives. */
export class Table {
  readonly clock: VirtualClock = new VirtualClock();
  readonly stopped: StoppedClock = new StoppedClock(this.clock);
  readonly hand: Hand;
  readonly endpoint: Endpoint;

  constructor(limits: Partial<Limits> = {}, traits: Partial<Traits> = {}) {
    this.hand = new Hand(1, true, traits);
    const { stopped: clock, hand } = this;
    const random = new SeededRandom(1);
    this.endpoint = createEndpoint({ transport: hand, clock, random, limits });
  }

  /** Subscribes and reads everything into a list. */
  subscribe(options: SubscribeOptions = {}): EventItem[] {
    const items: EventItem[] = [];
    const subscription = this.endpoint.subscribe(ID, options);
    const read = async (): Promise<void> => {
      for await (const item of subscription) items.push(item);
    };
    void read();
    return items;
  }

  /** Hands a datagram over; gives why it was dropped, if it was. */
  give(
    bytes: Uint8Array,
    {
      peer = SENDER,
      group = ID.idx,
      credentials,
    }: {
      readonly peer?: number;
      readonly group?: number;
      readonly credentials?: Credentials;
    } = {},
  ): Drop | 'good' {
    const before = this.endpoint.stats().dropped;
    const { sink } = this.hand;
    sink!.receive(new Slab(bytes.slice()), 0, bytes.length, { peer, group, credentials });
    sink!.received();
    const after = this.endpoint.stats().dropped;
    const reasons = (Object.keys(after) as Drop[]).filter((why) => after[why] !== before[why]);
    return reasons[0] ?? 'good';
  }

  /** What was sent since the last time. */
  async sent(): Promise<
    { readonly kind: number; readonly head: EventHead; readonly peer: number }[]
  > {
    await this.clock.advance(0);
    return this.hand.sent.splice(0).map(({ bytes, peer }) => {
      const slab = new Slab(bytes);
      return {
        kind: cnMsgFlags(slab, frame.ENVELOPE_CN),
        head: readEventHead(slab, 0, ID),
        peer,
      };
    });
  }

  /** The question that was sent, and the datagram that answers it. */
  async answer(changes: Partial<EventHead>): Promise<Uint8Array> {
    const question = (await this.sent()).find(({ kind }) => kind === frame.ASK)!;
    const { seq, ack } = question.head;
    return eventBytes({ seq, ack: (ack + 1) >>> 0, ...changes });
  }
}

/** Items in short: an event as its number, a gap as `missed reason`. */
export function brief(items: readonly EventItem[]): (number | string)[] {
  return items.map((item) =>
    item.kind === 'event' ? item.number : `${item.missed} ${item.reason}`,
  );
}
