import test from 'ava';
import fc from 'fast-check';
import { audit, type Heard, type Told } from './events-model.ts';
import { Mortal } from '../simulation/mortal.ts';
import { createEndpoint, SeededRandom, VirtualClock } from '../../index.ts';
import type {
  Endpoint,
  EventItem,
  Limits,
  Publisher,
  Subscription,
  Transport,
} from '../../index.ts';
import type { Faults } from '../../transport/faults.ts';
import { SimulatedNetwork } from '../../transport/simulated/network.ts';

const ID = { idx: 7, val: 1 };
const PUBLISHERS = 3;
const SUBSCRIBERS = 2;

type Step =
  | { readonly do: 'publish'; readonly who: number; readonly count: number; readonly size: number }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'crash' | 'close'; readonly who: number }
  | { readonly do: 'subscribe' | 'leave' | 'pause'; readonly who: number };

const who = fc.nat(PUBLISHERS - 1);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('publish' as const),
      who,
      count: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 300 })),
      size: fc.constantFrom(0, 50, 3000),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('wait' as const),
      ms: fc.constantFrom(0, 0.5, 3, 20, 500),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constantFrom('crash' as const, 'close' as const), who }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constantFrom('subscribe' as const, 'leave' as const, 'pause' as const),
      who: fc.nat(SUBSCRIBERS - 1),
    }),
  },
);

const world = fc.record({
  seed: fc.integer({ min: 0, max: 0xffff_ffff }),
  loss: fc.constantFrom(0, 0.05, 0.3),
  duplicate: fc.constantFrom(0, 0.2),
  reorder: fc.constantFrom(0, 0.2),
  corrupt: fc.constantFrom(0, 0.05),
  delayMs: fc.constantFrom({ min: 0, max: 0 }, { min: 1, max: 1 }, { min: 0.5, max: 6 }),
  receiveBuffer: fc.constantFrom(2304, 8192, 212_992),
  buffer: fc.constantFrom(3, 50, 100_000),
  sendersMax: fc.constantFrom(1, 2, 1024),
  heldMax: fc.constantFrom(2, 4096),
  steps: fc.array(step, { minLength: 3, maxLength: 30 }),
});

type World = typeof world extends fc.Arbitrary<infer T> ? T : never;

/** A publisher and what it told. */
interface Source {
  readonly transport: Mortal;
  readonly endpoint: Endpoint;
  readonly publisher: Publisher;
  readonly told: Told;
}

/** A subscription and who reads it. */
interface Reader extends Heard {
  readonly subscription: Subscription;
  paused: boolean;
}

/** Publishers that come and go, subscribers that come, go and fall asleep, on a bad network. */
class Stage {
  readonly clock: VirtualClock = new VirtualClock();
  readonly told: Told[] = [];
  readonly heard: Reader[] = [];
  readonly #world: World;
  readonly #network: SimulatedNetwork;
  readonly #random: SeededRandom;
  readonly #publishers: (Source | undefined)[] = [];
  readonly #endpoints: Endpoint[] = [];
  readonly #readers: (Reader | undefined)[] = [];
  #started = 0;

  constructor(drawn: World) {
    const { seed, loss, duplicate, reorder, corrupt, delayMs } = drawn;
    const faults: Faults = { loss, duplicate, reorder, corrupt, delayMs };
    this.#world = drawn;
    this.#random = new SeededRandom(seed);
    this.#network = new SimulatedNetwork({ clock: this.clock, seed, faults });
    for (let index = 0; index < SUBSCRIBERS; index++) this.#endpoints.push(this.#open(100 + index));
    this.#subscribe(0);
  }

  async run(): Promise<void> {
    for (const each of this.#world.steps) await this.#do(each);
    for (const reader of this.#readers) if (reader !== undefined) reader.paused = false;
    this.#read();
    // Silence sets in: the last beacons come, and what nobody answers is given up.
    await this.clock.advance(300_000);
    this.#read();
    await this.clock.advance(1);
  }

  /** Timers that are left when everybody is silent. */
  get pending(): number {
    return this.clock.pending;
  }

  stop(): void {
    for (const endpoint of this.#endpoints) endpoint.destroy();
    for (const one of this.#publishers) one?.endpoint.destroy();
  }

  async #do(each: Step): Promise<void> {
    switch (each.do) {
      case 'publish':
        this.#publish(each.who, each.count, each.size);
        break;
      case 'wait':
        this.#read();
        await this.clock.advance(each.ms);
        break;
      case 'crash':
      case 'close': {
        const one = this.#publishers[each.who];
        this.#publishers[each.who] = undefined;
        if (one === undefined) break;
        await this.clock.advance(0); // what was published has left
        one.told.over = true;
        one.transport.dead = each.do === 'crash';
        one.endpoint.destroy();
        break;
      }
      case 'subscribe':
        this.#subscribe(each.who);
        break;
      case 'leave':
        this.#readers[each.who]?.subscription.close();
        this.#drop(each.who);
        break;
      case 'pause':
        if (this.#readers[each.who] !== undefined) this.#readers[each.who]!.paused = true;
    }
  }

  #open(address: number, wrap = (transport: Transport): Transport => transport): Endpoint {
    const { receiveBuffer, sendersMax, heldMax } = this.#world;
    const limits: Partial<Limits> = { eventSendersMax: sendersMax, eventsHeldMax: heldMax };
    this.#started += 1;
    return createEndpoint({
      transport: wrap(this.#network.open({ address, receiveBuffer })),
      clock: this.clock,
      random: this.#random.fork(`endpoint ${this.#started}`),
      limits,
    });
  }

  #publish(index: number, count: number, size: number): void {
    let one = this.#publishers[index];
    if (one === undefined) {
      let transport!: Mortal;
      const endpoint = this.#open(1 + index, (inner) => (transport = new Mortal(inner)));
      const publisher = endpoint.publisher(ID);
      const { stream } = publisher;
      const startedAt = this.clock.now();
      const told: Told = { stream, sender: 1 + index, startedAt, publishedAt: [], over: false };
      this.told.push(told);
      one = { transport, endpoint, publisher, told };
      this.#publishers[index] = one;
    }
    const { publisher, told } = one;
    for (let times = 0; times < count; times++) {
      const number = told.publishedAt.push(this.clock.now());
      const value = [told.stream, number, 'x'.repeat(size)];
      void publisher.publish('count', value).then((given) => {
        if (given !== number) throw new Error(`${given} is not ${number}`);
      });
    }
  }

  #subscribe(index: number): void {
    if (this.#readers[index] !== undefined) return;
    const { buffer } = this.#world;
    const subscription = this.#endpoints[index]!.subscribe(ID, { buffer });
    const items: EventItem[] = [];
    const reader = { subscription, joinedAt: this.clock.now(), items, paused: false };
    this.#readers[index] = reader;
    this.heard.push(reader);
  }

  /** A reader who left does not hear the rest: only what it was given is looked at. */
  #drop(index: number): void {
    const reader = this.#readers[index];
    if (reader === undefined) return;
    this.#readers[index] = undefined;
    this.heard.splice(this.heard.indexOf(reader), 1);
  }

  /** Those who are awake read all that is there. */
  #read(): void {
    for (const reader of this.#readers) {
      if (reader !== undefined && !reader.paused) this.#pump(reader);
    }
  }

  #pump(reader: Reader & { pumping?: boolean }): void {
    if (reader.pumping) return;
    reader.pumping = true;
    const loop = async (): Promise<void> => {
      while (!reader.paused) {
        const { done, value } = await reader.subscription.next();
        if (done === true || value === undefined) return;
        reader.items.push(value);
      }
      reader.pumping = false;
    };
    void loop();
  }
}

test('what is given and what is missing is all that was published (P10.4)', async (t) => {
  let events = 0;
  let gaps = 0;
  await fc.assert(
    fc.asyncProperty(world, async (drawn) => {
      const stage = new Stage(drawn);
      await stage.run();
      const lossy = drawn.loss + drawn.corrupt > 0 || drawn.receiveBuffer < 212_992;
      const forgetful = drawn.sendersMax < PUBLISHERS;
      const delayMs = drawn.delayMs.max * (drawn.reorder > 0 ? 4 : 1) + 200;
      for (const heard of stage.heard) {
        const wrong = audit(stage.told, heard, { delayMs, quietMs: 200, lossy, forgetful });
        if (wrong.length > 0) throw new Error(wrong.slice(0, 5).join('\n'));
        events += heard.items.filter(({ kind }) => kind === 'event').length;
        gaps += heard.items.filter(({ kind }) => kind === 'gap').length;
      }
      if (stage.pending > 0) throw new Error(`${stage.pending} timers are left`);
      stage.stop();
    }),
    { numRuns: Number(process.env['CNRPC_EVENT_RUNS'] ?? 100), includeErrorInReport: true },
  );
  t.log(`${events} events, ${gaps} gaps`);
  t.true(events > 1000 && gaps > 100);
});
