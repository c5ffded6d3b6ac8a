import { setImmediate } from 'node:timers/promises';
import { Book, type Entry } from './book.ts';
import { Fuse } from './fuse.ts';
import type { Order } from './plan.ts';
import type { Input } from './server.ts';
import { SeededRandom } from '../../core/random.ts';
import type { CallOptions } from '../../sessions/calling.ts';
import type { Connection } from '../../sessions/connection.ts';
import { createEndpoint, type Endpoint } from '../../sessions/endpoint.ts';
import { openNetlink } from '../../transport/netlink/netlink.ts';

const IN_FLIGHT = 6;
const TIMEOUT_MS = 20_000;
const SHORT_MS = 4;
const FILLER_MAX = 30_000;
const METHODS = ['note', 'note', 'note', 'note', 'note', 'slow', 'back', 'fail'] as const;
const CHANNELS = ['-', '-', 'north', 'south'] as const;

/** One life of a client: calls until it is killed or finished, and enters what it was told. */
export class Client {
  readonly #label: string;
  readonly #book: Book;
  readonly #fuse: Fuse;
  readonly #random: SeededRandom;
  readonly #endpoint: Endpoint;
  readonly #order: Exclude<Order, { kind: 'finish' }>;
  readonly #lines: Promise<void>[] = [];
  #calls = 0;
  #finishing = false;

  constructor(order: Exclude<Order, { kind: 'finish' }>, worked: () => void) {
    this.#order = order;
    this.#label = order.label;
    this.#fuse = new Fuse(order.fuse);
    this.#book = new Book(order.book, order.label, this.#fuse, worked);
    this.#random = new SeededRandom(order.seed).fork(order.label);
    this.#endpoint = createEndpoint({ transport: openNetlink({ portid: order.portid }) });
  }

  /** Connects, as soon as there is a server, and begins to call. */
  async start(): Promise<void> {
    const witness = (input: unknown): unknown => {
      const { key } = input as { readonly key: string };
      this.#book.ran(key, '-', false);
      return { key, by: this.#label };
    };
    const connection = await this.#endpoint.connect(this.#order.id, {
      waitForReady: true,
      timeoutMs: TIMEOUT_MS,
      handlers: { witness },
    });
    for (let line = 0; line < IN_FLIGHT; line++) this.#lines.push(this.#line(connection));
  }

  /** Makes no more calls, waits for those that are open, and closes in order. */
  async finish(): Promise<void> {
    this.#finishing = true;
    await Promise.all(this.#lines);
    await this.#endpoint.close();
  }

  async #line(connection: Connection): Promise<void> {
    while (!this.#finishing) {
      await this.#one(connection);
      if (this.#random.chance(0.2)) await setImmediate(); // not all lines in step
    }
  }

  #one(connection: Connection): Promise<void> {
    const random = this.#random;
    const channel = CHANNELS[random.integer(0, CHANNELS.length - 1)]!;
    const idempotent = random.chance(0.2);
    const method = METHODS[random.integer(0, METHODS.length - 1)]!;
    const aborted = random.chance(0.05);
    const controller = new AbortController();
    const options: CallOptions = {
      idempotent,
      timeoutMs: random.chance(0.1) ? random.range(0, SHORT_MS) : TIMEOUT_MS,
      ...(channel === '-' ? {} : { channel }),
      ...(aborted ? { signal: controller.signal } : {}),
    };
    const key = `${this.#label}.${this.#calls++}`;
    const filler = random.chance(0.05) ? '.'.repeat(random.integer(0, FILLER_MAX)) : '';
    const input: Input = { key, channel, filler };
    const entry: Entry = { key, channel, idempotent };
    const done = this.#book.follow(entry, () => connection.call(method, input, options), true);
    if (aborted) void setImmediate().then(() => controller.abort());
    return done;
  }
}
