import { setImmediate } from 'node:timers/promises';
import { Book } from './book.ts';
import { Fuse } from './fuse.ts';
import type { Order } from './plan.ts';
import { createEndpoint, type Endpoint } from '../../sessions/endpoint.ts';
import type { CallContext } from '../../sessions/service.ts';
import { openNetlink } from '../../transport/netlink/netlink.ts';

/** What a client sends along. */
export interface Input {
  readonly key: string;
  readonly channel: string;
  readonly filler: string;
}

const CALL_BACK_MS = 2_000;
const SLOW_TURNS = 5;

/** One life of the server: enters every execution before it does anything else. */
export class Server {
  readonly #label: string;
  readonly #book: Book;
  readonly #fuse: Fuse;
  readonly #endpoint: Endpoint;
  /** By client and channel: the call that has not finished. */
  readonly #running = new Map<string, string>();
  #callBacks = 0;

  constructor(order: Exclude<Order, { kind: 'finish' }>, worked: () => void) {
    this.#label = order.label;
    this.#fuse = new Fuse(order.fuse);
    this.#book = new Book(order.book, order.label, this.#fuse, worked);
    this.#endpoint = createEndpoint({ transport: openNetlink({ portid: order.portid }) });
    this.#endpoint.serve(order.id, {
      note: (input) => this.#run(input as Input, () => undefined),
      slow: (input) => this.#run(input as Input, slowly),
      fail: (input) => this.#run(input as Input, fail),
      back: (input, context) => this.#run(input as Input, () => this.#callBack(context)),
    });
  }

  async finish(): Promise<void> {
    await this.#endpoint.close();
  }

  #run(input: Input, work: () => void | Promise<void>): unknown {
    const { key, channel } = input;
    this.#book.ran(key, channel, true);
    this.#fuse.leave();
    const reply = { key, by: this.#label };
    const leave = this.#enter(key, channel);
    try {
      const worked = work();
      if (worked !== undefined) return worked.then(() => reply).finally(leave);
      leave();
      return reply;
    } catch (error) {
      leave();
      throw error;
    }
  }

  /** In a channel nothing may run beside it until it leaves. */
  #enter(key: string, channel: string): () => void {
    if (channel === '-') return () => undefined;
    const place = `${key.slice(0, key.indexOf('.'))} ${channel}`;
    const before = this.#running.get(place);
    if (before !== undefined) this.#book.complain(`${key} ran beside ${before}`);
    this.#running.set(place, key);
    return () => this.#running.delete(place);
  }

  async #callBack(context: CallContext): Promise<void> {
    const key = `${this.#label}.${this.#callBacks++}`;
    const entry = { key, channel: '-', idempotent: false };
    const options = { timeoutMs: CALL_BACK_MS };
    await this.#book.follow(entry, () => context.call('witness', { key }, options), false);
  }
}

async function slowly(): Promise<void> {
  for (let turn = 0; turn < SLOW_TURNS; turn++) await setImmediate();
}

function fail(): never {
  throw new Error('as you wish');
}
