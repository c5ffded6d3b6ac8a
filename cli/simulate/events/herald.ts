import type { EventBook } from './book.ts';
import { TOPICS, type HeraldPlan } from './plan.ts';
import type { EventForm, StreamRecord } from './stream.ts';
import type { Stage } from '../stage.ts';
import type { SeededRandom } from '../../../core/random.ts';
import type { Endpoint } from '../../../sessions/endpoint.ts';
import type { Publisher } from '../../../sessions/events/publisher.ts';

const BATCH_MAX = 40;
const SMALL = 200;
const LARGE = 16_000;
/** More than the 60 KiB that a payload may have. */
const TOO_LONG = 61_441;

/** The publishing side of one incarnation of an endpoint. */
export class Herald {
  readonly #stage: Stage;
  readonly #book: EventBook;
  readonly #endpoint: Endpoint;
  readonly #plan: HeraldPlan;
  readonly #label: string;
  #publisher: Publisher | undefined;
  #stream: StreamRecord | undefined;
  #stopped = false;

  constructor(
    stage: Stage,
    book: EventBook,
    endpoint: Endpoint,
    plan: HeraldPlan,
    label: string,
  ) {
    this.#stage = stage;
    this.#book = book;
    this.#endpoint = endpoint;
    this.#plan = plan;
    this.#label = label;
  }

  /** Publishes until the faults stop. */
  async run(): Promise<void> {
    const stage = this.#stage;
    const random = stage.random.fork(`herald ${this.#label}`);
    const { perSecond, batch, ends } = this.#plan;
    while (perSecond > 0) {
      await stage.pause(random, perSecond);
      if (this.#stopped || stage.calm) return;
      const count = random.chance(batch) ? random.integer(2, BATCH_MAX) : 1;
      for (let left = stage.takeEvents(count); left > 0; left--) this.#draw(random);
      if (random.chance(ends)) await this.#end();
    }
  }

  /** Publishes one event that is sure to go out where nothing is wrong, if it publishes at all. */
  async prove(): Promise<void> {
    if (this.#plan.perSecond > 0) await this.#publish('bytes', SMALL);
  }

  /** Its process is gone. */
  stop(): void {
    this.#stopped = true;
    if (this.#stream !== undefined) this.#book.end(this.#stream);
  }

  #draw(random: SeededRandom): void {
    const { large, tooLong } = this.#plan;
    const long = random.chance(tooLong);
    const length = random.integer(0, random.chance(large) ? LARGE : SMALL);
    const kind = random.fraction();
    const form = long || kind < 0.6 ? 'bytes' : kind < 0.9 ? 'json' : 'none';
    void this.#publish(form, long ? TOO_LONG : length);
  }

  /** Resolves when the transport has the event, or it is refused; never rejects. */
  async #publish(form: EventForm, length: number): Promise<void> {
    const [publisher, stream] = this.#open();
    const event = this.#book.issue(stream, form, length);
    const value = event.value();
    const promise = publisher.publish(event.topic, value);
    if (value instanceof Uint8Array) value.fill(0xee); // the bytes are the publisher's again
    await promise.then(
      (number) => this.#book.sent(event, number),
      (error: unknown) => this.#book.refused(event, error, length === TOO_LONG),
    );
  }

  #open(): readonly [Publisher, StreamRecord] {
    const { topic } = this.#plan;
    const { address } = this.#endpoint;
    this.#publisher ??= this.#endpoint.publisher(TOPICS[topic]!);
    this.#stream ??= this.#book.begin(address, this.#publisher.stream, topic, this.#label);
    return [this.#publisher, this.#stream];
  }

  /** Ends the stream in good order; the next event begins another one. */
  async #end(): Promise<void> {
    const [publisher, stream] = [this.#publisher, this.#stream];
    if (publisher === undefined || stream === undefined) return;
    this.#publisher = undefined;
    this.#stream = undefined;
    await publisher.close();
    this.#book.end(stream);
  }
}
