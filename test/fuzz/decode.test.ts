import test from 'ava';
import type { ExecutionContext } from 'ava';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { Hand } from './hand.ts';
import { garbage, mutated } from './mutate.ts';
import { packageRoot } from '../package-root.ts';
import { createEndpoint, isConnectorError, SeededRandom, VirtualClock } from '../../index.ts';
import type { Endpoint, EndpointStats, Peer } from '../../index.ts';
import { Slab } from '../../core/slab.ts';
import { decodeDatagram } from '../../transport/wire/datagram.ts';

const DECODE_MS = 500;
const ENDPOINT_MS = 1500;
/** Steps to be made in any case: on a busy machine the time may be up after twenty. */
const STEPS_MIN = 600;
/** Every run tries other datagrams; `CNRPC_FUZZ_SEED=n CNRPC_FUZZ_STEPS=m` repeats one. */
const SEED = Number(process.env['CNRPC_FUZZ_SEED'] ?? Math.floor(Math.random() * 2 ** 32));
const STEPS = Number(process.env['CNRPC_FUZZ_STEPS'] ?? 0);

function load(file: string): string {
  return readFileSync(join(packageRoot, 'test', 'vectors', file), 'utf8');
}

/** The datagrams of the vectors, kernel's and sessions', to begin with. */
function vectors(): Uint8Array[] {
  const kernel = JSON.parse(load('kernel.json')) as { datagrams: { hex: string }[] };
  const session = JSON.parse(load('session.json')) as { vectors: { parts: [string, string][] }[] };
  const hexes = [
    ...kernel.datagrams.map(({ hex }) => hex),
    ...session.vectors.map(({ parts }) => parts.map(([, hex]) => hex).join('')),
  ];
  return hexes.map((hex) => new Uint8Array(Buffer.from(hex, 'hex')));
}

/** Runs a step again and again until the time is up, or as often as is asked for. */
async function timeBoxed(t: ExecutionContext, ms: number, step: () => unknown): Promise<void> {
  const end = performance.now() + ms;
  let steps = 0;
  try {
    const goesOn = (): boolean => steps < STEPS_MIN || performance.now() < end;
    for (; STEPS > 0 ? steps < STEPS : goesOn(); steps++) await step();
  } finally {
    t.log(`CNRPC_FUZZ_SEED=${SEED} CNRPC_FUZZ_STEPS=${steps}`); // shown if the test fails, too
  }
}

test('decodeDatagram gives messages within the bytes, or a reason (P3.4)', async (t) => {
  const random = new SeededRandom(SEED);
  const corpus = vectors();
  await timeBoxed(t, DECODE_MS, () => {
    for (let times = 0; times < 100; times++) {
      const bytes = random.chance(0.2) ? garbage(random) : mutated(random, corpus);
      const decoded = decodeDatagram(bytes);
      if (!decoded.ok) continue;
      const { messages, trailing } = decoded;
      const used = messages.reduce((sum, { payload }) => sum + 20 + payload.length, 0);
      if (messages.length === 0 || used + trailing > bytes.length) {
        throw new Error(`reads beyond ${Buffer.from(bytes).toString('hex')}`);
      }
    }
  });
  t.pass();
});

/** A side of the scene: an endpoint, and the hand that feeds it. */
interface Side {
  readonly hand: Hand;
  readonly endpoint: Endpoint;
}

function sumOfDrops({ dropped }: EndpointStats): number {
  return Object.values(dropped).reduce((sum, count) => sum + count, 0);
}

/** Hands one datagram to a side, which must count it once and throw nothing. */
function receive({ hand, endpoint }: Side, bytes: Uint8Array, peer: Peer, group = 0): void {
  if (hand.closed) return;
  const before = endpoint.stats();
  const slab = new Slab(new Uint8Array([1, 2, 3, ...bytes, 4]));
  hand.sink!.receive(slab, 3, 3 + bytes.length, { peer, group, credentials: undefined });
  const after = endpoint.stats();
  const dropped = sumOfDrops(after) - sumOfDrops(before);
  if (after.datagramsReceived !== before.datagramsReceived + 1 || dropped < 0 || dropped > 1) {
    throw new Error(`counted ${dropped} times: ${Buffer.from(bytes).toString('hex')}`);
  }
}

const ID = { idx: 20, val: 1 };
const EVENTS = { idx: 5, val: 0x01020304 }; // that of the vectors
const SLOW = { channel: 'a', timeoutMs: 50 };

/** Two endpoints in virtual time that talk while a fuzzer hands over their datagrams. */
class Scene {
  readonly clock: VirtualClock = new VirtualClock();
  readonly random: SeededRandom = new SeededRandom(SEED);
  readonly sides: readonly [Side, Side];
  readonly #corpus = vectors();
  /** Replies that are wrong are damage that passed for a message: only possible without a CRC. */
  wrong = 0;
  settled = 0;
  events = 0;
  /** Events given again, or after a later one of their stream. */
  disordered = 0;
  fuzzing = true;

  constructor(intact: boolean) {
    const side = (address: Peer): Side => {
      const hand = new Hand(address, intact);
      const random = new SeededRandom(SEED + address);
      return { hand, endpoint: createEndpoint({ transport: hand, clock: this.clock, random }) };
    };
    this.sides = [side(1), side(2)];
    const [{ endpoint: server }, { endpoint: client }] = this.sides;
    server.serve(ID, {
      echo: (input) => input,
      slow: async (input, { call }) => {
        await new Promise<void>((resolve) => this.clock.at(this.clock.now() + 20, resolve));
        return call('back', input, { timeoutMs: 100 }).catch(() => input);
      },
      fails: () => {
        throw new Error('as asked');
      },
    });
    server.on({ idx: 1, val: 1 }, (message) => server.reply(message, message.payload));
    void this.#talk(client);
    void this.#publish(server);
    void this.#listen(client);
    void this.#bare(client);
  }

  /** Hands over what was sent, damaged or not, and some datagrams that nobody sent. */
  async step(): Promise<void> {
    const { random } = this;
    this.sides.forEach((side, index) => {
      const other = this.sides[1 - index]!;
      side.hand.outcome = () => (random.chance(0.05) ? 'busy' : 'sent');
      for (const { bytes, group } of other.hand.sent.splice(0)) {
        if (random.chance(0.1)) this.#corpus[random.integer(0, 99)] = bytes;
        const { address } = other.hand;
        if (random.chance(0.15)) receive(side, mutated(random, [bytes]), address, group);
        else if (random.chance(0.95)) receive(side, bytes, address, group);
        const stranger = random.integer(0, 3);
        if (random.chance(0.1)) receive(side, mutated(random, [bytes]), stranger, group);
      }
      if (random.chance(0.3)) receive(side, garbage(random), random.integer(0, 3));
      const known = this.#corpus.filter((bytes) => bytes !== undefined);
      if (random.chance(0.5)) receive(side, mutated(random, known), other.hand.address);
      if (random.chance(0.02)) side.hand.sink!.overrun(1);
      side.hand.sink!.received();
    });
    await this.clock.advance(random.range(0, 2));
  }

  /** Hands over everything unchanged, until a promise settles. */
  async calm<T>(what: string, promise: Promise<T>): Promise<T> {
    let settled = false;
    const mark = (): void => {
      settled = true;
    };
    promise.then(mark, mark);
    for (let turn = 0; !settled && turn < 100_000; turn++) {
      this.sides.forEach((side, index) => {
        const { hand } = this.sides[1 - index]!;
        for (const { bytes, group } of hand.sent.splice(0)) {
          receive(side, bytes, hand.address, group);
        }
        side.hand.sink!.received();
      });
      await this.clock.advance(1);
    }
    if (!settled) throw new Error(`${what} is still open after 100 s of calm`);
    return promise;
  }

  /** Calls and calls, on a new connection whenever one breaks. */
  async #talk(client: Endpoint): Promise<void> {
    for (let round = 0; this.fuzzing; round++) {
      const options = { peer: 1, timeoutMs: 300, handlers: { back: (input: unknown) => input } };
      try {
        const connection = await client.connect(ID, options);
        for (let count = 0; count < 30 && this.fuzzing; count++) {
          await Promise.all([
            this.#call(() => connection.call('echo', count, { timeoutMs: 300 }), count),
            this.#call(() => connection.call('slow', count, SLOW), count),
            this.#call(() => connection.call('fails', count, { timeoutMs: 300 }), undefined),
          ]);
        }
        await connection.close();
      } catch (error) {
        if (!isConnectorError(error)) throw error;
      }
    }
  }

  async #call(make: () => Promise<unknown>, expected: unknown): Promise<void> {
    try {
      const value = await make();
      if (value !== expected) this.wrong += 1;
    } catch (error) {
      if (!isConnectorError(error)) throw error;
    }
    this.settled += 1;
  }

  async #publish(server: Endpoint): Promise<void> {
    for (let round = 0; this.fuzzing; round++) {
      const publisher = server.publisher(EVENTS);
      for (let count = 1; count <= 50 && this.fuzzing; count++) {
        await publisher.publish('t', [publisher.stream, count]).catch(() => {});
        await new Promise<void>((resolve) => this.clock.at(this.clock.now() + 1, resolve));
      }
      await publisher.close();
    }
  }

  /** What is heard of a stream is in order, and each event is its own. */
  async #listen(client: Endpoint): Promise<void> {
    const numbers = new Map<string, number>();
    const subscription = client.subscribe(EVENTS, { buffer: 20 });
    for await (const item of subscription) {
      if (item.kind === 'gap') continue;
      const key = `${item.sender} ${item.stream}`;
      if (item.number <= (numbers.get(key) ?? 0)) this.disordered += 1;
      numbers.set(key, item.number);
      if (`${item.value}` !== `${item.stream},${item.number}`) this.wrong += 1;
      this.events += 1;
      if (!this.fuzzing) break;
    }
  }

  async #bare(client: Endpoint): Promise<void> {
    while (this.fuzzing) {
      const id = { idx: 1, val: 1 };
      const request = client.request(id, 1, new Uint8Array(5), { timeoutMs: 20, idempotent: true });
      await request.catch(() => {});
    }
  }
}

for (const intact of [true, false]) {
  const kind = intact ? 'without' : 'with';
  const title = `no datagram breaks an endpoint ${kind} checksums, each is counted once (P3.4)`;
  test.serial(title, async (t) => {
    const scene = new Scene(intact);
    await timeBoxed(t, ENDPOINT_MS / 2, () => scene.step());
    scene.fuzzing = false;
    t.true(scene.settled > 20, `${scene.settled} calls were settled meanwhile`);
    if (!intact) t.is(scene.wrong, 0, 'a checksum keeps damage out');
    t.true(scene.events > 20, `${scene.events} events were heard`);
    t.is(scene.disordered, 0);
    for (const { hand } of scene.sides) hand.outcome = () => 'sent';
    const [{ endpoint: server }, { endpoint: client }] = scene.sides;
    t.true(sumOfDrops(server.stats()) > 10);
    const connection = await scene.calm('connecting', client.connect(ID, { peer: 1 }));
    t.is(await scene.calm('a call', connection.call('echo', 'still here')), 'still here');
    await scene.calm('closing', Promise.all([server.close(), client.close()]));
    t.is(server.stats().requestsHeld, 0, 'and nothing is left over');
    t.is(server.stats().sessions, 0);
  });
}
