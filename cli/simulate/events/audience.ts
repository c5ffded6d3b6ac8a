import type { EventBook, Hearing } from './book.ts';
import { HOSTILE, type Stage } from '../stage.ts';
import { TOPICS, type HeraldPlan, type ListenerPlan } from './plan.ts';
import type { SeededRandom } from '../../../core/random.ts';
import type { Endpoint } from '../../../sessions/endpoint.ts';
import type { EventItem } from '../../../sessions/events/item.ts';
import type { Subscription } from '../../../sessions/events/subscription.ts';

/** A listener that is slow takes its time for one of so many events. */
const PAUSES = 0.3;

/** The listening side of one incarnation of an endpoint. */
export class Audience {
  readonly #stage: Stage;
  readonly #book: EventBook;
  readonly #endpoint: Endpoint;
  readonly #plan: HeraldPlan;
  readonly #label: string;
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

  /** Listens until the endpoint closes. */
  async run(): Promise<void> {
    const random = this.#stage.random.fork(`audience ${this.#label}`);
    const { listeners } = this.#plan;
    await Promise.all(listeners.map((plan, at) => this.#listen(random.fork(`${at}`), plan)));
  }

  /** Its process is gone. */
  stop(): void {
    this.#stopped = true;
  }

  async #listen(random: SeededRandom, plan: ListenerPlan): Promise<void> {
    const { calmed, sleep } = this.#stage;
    while (!this.#stopped) {
      const late = sleep.call(this.#stage, random.range(0, plan.lateMs));
      await Promise.race([late, calmed]);
      if (!this.#stopped) await this.#attend(random, plan);
      if (this.#stage.calm) return;
    }
  }

  /** One subscription from its beginning to its end. */
  async #attend(random: SeededRandom, plan: ListenerPlan): Promise<void> {
    const { buffer, choosy, stayMs } = plan;
    const allow = (_credentials: unknown, peer: number): boolean => !choosy || peer !== HOSTILE;
    const subscription = this.#endpoint.subscribe(TOPICS[plan.topic]!, { buffer, allow });
    const forgetful = this.#plan.limits.eventSendersMax !== undefined;
    const hearing = this.#book.hear(this.#label, this.#endpoint.address, plan, forgetful);
    if (stayMs < Infinity) void this.#leave(random, stayMs, subscription, hearing);
    for await (const item of subscription) {
      this.#book.take(hearing, item);
      await this.#linger(random, plan, item);
    }
    if (!hearing.over) this.#book.leave(hearing);
  }

  /** Leaves after a while, unless the faults have stopped by then. */
  async #leave(
    random: SeededRandom,
    stayMs: number,
    subscription: Subscription,
    hearing: Hearing,
  ): Promise<void> {
    await this.#stage.pause(random.fork(`${hearing.joinedMs}`), 1000 / stayMs);
    if (this.#stage.calm || hearing.over) return;
    subscription.close();
    this.#book.leave(hearing);
  }

  async #linger(random: SeededRandom, { paceMs }: ListenerPlan, item: EventItem): Promise<void> {
    const { calm, calmed, sleep } = this.#stage;
    if (calm || paceMs === 0 || item.kind === 'gap' || !random.chance(PAUSES)) return;
    await Promise.race([sleep.call(this.#stage, random.range(0, paceMs)), calmed]);
  }
}
