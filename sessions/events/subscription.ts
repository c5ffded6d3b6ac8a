import type { EventEntry, GapEntry } from './backlog.ts';
import type { EventItem } from './item.ts';
import type { Subscriber, SubscriberParts } from './subscriber.ts';
import { readPayload, UNREADABLE } from '../payload.ts';
import type { AllowRule } from '../service.ts';
import { ConnectorError } from '../../core/errors.ts';

/** Adjusts a subscription. */
export interface SubscribeOptions {
  /** Ends it: the loop then throws `cancelled`. */
  readonly signal?: AbortSignal;
  /** Events that may wait for the loop, beyond which they are a gap; `limits.eventsUnreadMax`. */
  readonly buffer?: number;
  /** Whose events to take; asked for each datagram. Default: everybody's. */
  readonly allow?: AllowRule;
}

/** How a subscriber reaches its subscription. */
type Hooks = Pick<SubscriberParts, 'arrived' | 'failed'>;

const decoder = new TextDecoder();

/**
 * The events of one id as an async iterable, and the gaps in them. Leaving the loop, `close`, the
 * signal or the end of the endpoint end it; what then waits is not given any more.
 */
export class Subscription implements AsyncIterableIterator<EventItem, void, void>, AsyncDisposable {
  readonly #end: () => void;
  #subscriber: Subscriber | undefined;
  #waiting: (() => void)[] = [];
  #failure: ConnectorError | undefined;

  /** `end` unsubscribes and leaves the group. */
  constructor(subscribe: (hooks: Hooks) => Subscriber, end: (own: Subscriber) => void) {
    const subscriber = subscribe({
      arrived: () => {
        if (subscriber.backlog.length > 0) this.#wake();
      },
      failed: (message) => this.fail('unavailable', message),
    });
    this.#subscriber = subscriber;
    this.#end = () => end(subscriber);
  }

  /** The next event or gap. Rejects once with `cancelled` or `unavailable`, if that ended it. */
  async next(): Promise<IteratorResult<EventItem, void>> {
    for (;;) {
      const failure = this.#failure;
      this.#failure = undefined;
      if (failure !== undefined) throw failure;
      if (this.#subscriber === undefined) return { done: true, value: undefined };
      const entry = this.#subscriber.backlog.shift();
      if (entry !== undefined) return { done: false, value: itemOf(entry) };
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  async return(): Promise<IteratorResult<EventItem, void>> {
    this.close();
    return { done: true, value: undefined };
  }

  /** Ends the subscription. The group is left with the last one of it. */
  close(): void {
    if (this.#subscriber === undefined) return;
    this.#subscriber = undefined;
    this.#end();
    this.#wake();
  }

  /** Ends it with an error, which the loop throws. For the endpoint alone. */
  fail(code: 'cancelled' | 'unavailable', message: string, cause?: unknown): void {
    if (this.#subscriber === undefined) return;
    this.#failure = new ConnectorError(code, message, { cause });
    this.close();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

/** Reads an entry only now: what the buffer drops costs no reading. */
function itemOf(entry: EventEntry | GapEntry): EventItem {
  const { peer: sender, name: stream } = entry.origin;
  if (entry.kind === 'gap') {
    const { missed, next, reason } = entry;
    return { kind: 'gap', sender, stream, missed, next, reason };
  }
  const { credentials, number, news } = entry;
  const read = readPayload(news.format, news.value);
  if (read === UNREADABLE) {
    return { kind: 'gap', sender, stream, missed: 1, next: number + 1, reason: 'unreadable' };
  }
  const topic = decoder.decode(news.topic);
  return { kind: 'event', sender, stream, credentials, number, topic, value: read };
}
