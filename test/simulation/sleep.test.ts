import test from 'ava';
import fc from 'fast-check';
import { ID, World } from './world.ts';
import { Wiretap } from './wiretap.ts';
import {
  ConnectorError,
  createEndpoint,
  SeededRandom,
  VirtualClock,
  type CallContext,
  type Connection,
  type Endpoint,
} from '../../index.ts';
import type { Faults } from '../../transport/faults.ts';
import { SimulatedNetwork } from '../../transport/simulated/network.ts';

// The same story is told twice: once with sessions that sleep whenever they can, once with sessions
// that never do. All that can be seen is to be the same, to the byte and to the microsecond: which
// datagrams are sent when, what runs, how calls end. So whatever holds of sessions holds of those.

const KINDS = [
  'call',
  'call',
  'call',
  'burst',
  'channel',
  'one-way',
  'stream',
  'back',
  'cancel',
  'long',
  'unknown',
  'slow',
] as const;

interface Step {
  readonly pauseMs: number;
  readonly kind: (typeof KINDS)[number];
  /** Which connection, which channel, how much. */
  readonly which: number;
}

interface Story {
  readonly seed: number;
  readonly steps: readonly Step[];
  readonly faults: Faults;
  readonly fifo: boolean;
  readonly receiveBuffer: number;
}

/** What was seen of a story, and how often a session slept when a step began. */
interface Account {
  readonly lines: readonly string[];
  readonly asleep: number;
}

class Stage {
  readonly clock: VirtualClock = new VirtualClock();
  /** At the server and at the client: who is first in one instant is chance. */
  readonly lines: Readonly<Record<'100' | '200', string[]>> = { 100: [], 200: [] };
  readonly ends: Promise<void>[] = [];
  readonly server: Endpoint;
  readonly client: Endpoint;
  readonly #network: SimulatedNetwork;
  readonly #story: Story;
  readonly #sleepMs: number;
  #calls = 0;

  constructor(story: Story, sleepMs: number) {
    const { seed, faults, fifo } = story;
    const traits = fifo ? {} : ({ fifo: false } as const);
    this.#story = story;
    this.#sleepMs = sleepMs;
    this.#network = new SimulatedNetwork({ clock: this.clock, seed, faults, traits });
    this.server = this.#endpoint(100);
    this.client = this.#endpoint(200);
    this.server.serve(ID, {
      echo: (input) => this.#note(100, `echo runs with ${String(input)}`, input),
      slow: async (input) => {
        await this.sleep(4);
        return this.#note(100, `slow ran with ${String(input)}`, input);
      },
      hang: (_input, { signal }) =>
        new Promise((resolve) => signal.addEventListener('abort', () => resolve(undefined))),
      count: async function* (input): AsyncGenerator<number> {
        for (let index = 0; index < Number(input); index++) yield index;
      },
      back: (input, context: CallContext) => context.call('back', input),
    });
  }

  /** A line for the account. */
  #note<T>(who: 100 | 200, what: string, value: T): T {
    this.lines[who].push(`${who} at ${this.clock.now().toFixed(6)}: ${what}`);
    return value;
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.clock.at(this.clock.now() + ms, resolve));
  }

  connect(): Promise<Connection> {
    const handlers = {
      back: (input: unknown) => this.#note(200, `back with ${String(input)}`, input),
    };
    return this.client.connect(ID, { peer: 100, handlers });
  }

  /** Begins a step; `end` is noted when it has ended. */
  begin({ kind, which }: Step, connection: Connection): void {
    const number = this.#calls++;
    const options = { timeoutMs: 2_000 };
    const channel = `channel ${which % 3}`;
    switch (kind) {
      case 'call':
        return this.#end(number, connection.call('echo', number, options));
      case 'burst':
        for (let index = 0; index < 5 + which; index++) {
          this.#end(number, connection.call('echo', `${number}.${index}`, options));
        }
        return;
      case 'channel':
        this.#end(number, connection.call('slow', number, { ...options, channel }));
        return this.#end(number, connection.call('echo', number, { ...options, channel }));
      case 'one-way':
        return this.#end(number, connection.send('echo', number, { ...options, channel }));
      case 'stream':
        return this.#end(number, this.#all(connection.stream('count', which)));
      case 'back':
        return this.#end(number, connection.call('back', number, options));
      case 'cancel':
        return this.#end(number, connection.call('hang', number, { timeoutMs: 1 + which }));
      case 'long':
        return this.#end(number, connection.call('echo', 'x'.repeat(20_000 * which), options));
      case 'unknown':
        return this.#end(number, connection.call('nobody', number, { ...options, channel }));
      case 'slow':
        return this.#end(number, connection.call('slow', number, options));
    }
  }

  async #all(values: AsyncIterable<unknown>): Promise<unknown[]> {
    const taken: unknown[] = [];
    for await (const value of values) taken.push(value);
    return taken;
  }

  #end(number: number, promise: Promise<unknown>): void {
    const note = (what: string): void => void this.#note(200, `${number} ends: ${what}`, undefined);
    const ended = promise.then(
      (value) => note(String(value).slice(0, 20)),
      (error: ConnectorError) => note(`${error.code} ${error.outcome}`),
    );
    this.ends.push(ended);
  }

  #endpoint(address: 100 | 200): Endpoint {
    const { receiveBuffer } = this.#story;
    const transport = new Wiretap(this.#network.open({ address, receiveBuffer }));
    transport.alter = ({ bytes }) => {
      this.#note(address, `sends ${Buffer.from(bytes).toString('hex')}`, undefined);
    };
    return createEndpoint({
      transport,
      clock: this.clock,
      random: new SeededRandom(this.#story.seed).fork(`${address}`),
      limits: { sleepMs: this.#sleepMs, silenceMs: 3_000, seqWindow: 64 },
    });
  }
}

/** Tells a story. */
async function tell(story: Story, sleepMs: number): Promise<Account> {
  const stage = new Stage(story, sleepMs);
  const { clock, server, client } = stage;
  const lines: string[] = [];
  let asleep = 0;
  const acts = async (): Promise<void> => {
    const connections = [await stage.connect(), await stage.connect()];
    for (const step of story.steps) {
      await stage.sleep(step.pauseMs);
      for (const endpoint of [server, client]) {
        const { sessions, sessionsAwake } = endpoint.stats();
        asleep += sessions - sessionsAwake;
      }
      stage.begin(step, connections[step.which % 2]!);
    }
    await Promise.all(stage.ends);
    await stage.sleep(4_000); // more than `silenceMs`
    for (const endpoint of [server, client]) {
      const { sessions, sessionsAwake, duplicateRequests, dropped } = endpoint.stats();
      lines.push(JSON.stringify({ sessions, duplicateRequests, dropped }));
      if (sleepMs < 10) lines.push(sessionsAwake === 0 ? 'all sleep' : 'some are awake');
      else lines.push('all sleep');
    }
    await Promise.all([client.close(), server.close()]);
  };
  await clock.run(acts());
  await clock.advance(400_000);
  lines.push(`${clock.pending} timers are left`);
  return { lines: [...stage.lines[100], ...stage.lines[200], ...lines], asleep };
}

const range = (min: number, max: number): fc.Arbitrary<number> =>
  fc.double({ min, max, noNaN: true });
const delayed = fc
  .record({ min: range(0.05, 0.6), more: range(0, 3) })
  .map(({ min, more }) => ({ min, max: min + 0.01 + more }));
const none = { perSecond: 1e6, places: 1e6 };
const stories: fc.Arbitrary<Story> = fc.record({
  seed: fc.nat(),
  steps: fc.array(
    fc.record({
      // From much less than a round trip to much more than it takes to fall asleep.
      pauseMs: fc.oneof(range(0, 2), range(2, 40), range(2, 400)),
      kind: fc.constantFrom(...KINDS),
      which: fc.nat(7),
    }),
    { minLength: 1, maxLength: 25 },
  ),
  faults: fc.record({
    loss: fc.oneof(fc.constant(0), range(0, 0.35)),
    duplicate: fc.oneof(fc.constant(0), range(0, 0.5)),
    duplicateDelayMs: fc.constantFrom({ min: 0, max: 5 }, { min: 0, max: 1_000 }),
    reorder: fc.oneof(fc.constant(0), range(0, 0.4)),
    reorderDelayMs: fc.constantFrom({ min: 0.1, max: 10 }, { min: 1, max: 500 }),
    delayMs: delayed,
    bottleneck: fc.constantFrom(none, none, { perSecond: 3_000, places: 6 }),
  }),
  fifo: fc.boolean(),
  receiveBuffer: fc.constantFrom(212_992, 212_992, 4_608),
});

test('a session that sleeps is not told from one that never does, in any story', async (t) => {
  t.timeout(300_000);
  let asleep = 0;
  await fc.assert(
    fc.asyncProperty(stories, fc.constantFrom(0.02, 0.3, 2), async (story, sleepMs) => {
      const awake = await tell(story, Infinity);
      const slept = await tell(story, sleepMs);
      asleep += slept.asleep;
      const differs = awake.lines.findIndex((line, at) => line !== slept.lines[at]);
      if (differs >= 0 || awake.lines.length !== slept.lines.length) {
        const said = (lines: readonly string[]): string =>
          lines.slice(Math.max(0, differs - 3), differs + 3).join('\n');
        t.log(`awake:\n${said(awake.lines)}\nslept:\n${said(slept.lines)}`);
        throw new Error('sleep makes a difference');
      }
    }),
    { numRuns: 300, endOnFailure: true }, // the lines that differ say more than a short story
  );
  t.true(asleep > 1_000, `${asleep} times a session slept`);
});

test('a session does not sleep while values wait for their taker', async (t) => {
  const world = new World({ faults: { delayMs: { min: 1, max: 1 } } });
  await world.run(async () => {
    const limits = { sleepMs: 20 };
    const server = world.endpoint(100, limits);
    server.serve(ID, {
      count: async function* (input): AsyncGenerator<number> {
        for (let index = 0; index < Number(input); index++) yield index;
      },
    });
    const client = world.endpoint(200, limits);
    const connection = await client.connect(ID, { peer: 100 });
    const values = connection.stream('count', 5);
    t.is((await values.next()).value, 0);
    await world.sleep(200);
    t.deepEqual([client.stats().sessionsAwake, server.stats().sessionsAwake], [1, 0]);
    const rest: unknown[] = [];
    for await (const value of values) rest.push(value);
    t.deepEqual(rest, [1, 2, 3, 4]);
    await world.sleep(200);
    t.deepEqual([client.stats().sessionsAwake, client.stats().flowCostHeld], [0, 0]);
    await client.close();
    await server.close();
  });
  t.is(await world.timersLeft(), 0);
});
