import test from 'ava';
import { BusyNode } from './busy-node.ts';
import { offer, quantile, until, type Sample } from './load.ts';
import { openPair } from './pair.ts';
import { ID } from './world.ts';
import { createEndpoint, SeededRandom, VirtualClock } from '../../index.ts';
import type { Connection, Endpoint, Limits } from '../../index.ts';
import type { Bottleneck } from '../../transport/faults.ts';
import { SimulatedNetwork } from '../../transport/simulated/network.ts';

// Semantics 18: three times the load that can be served, from clients that do not wait for replies.
// Goodput stays at capacity, nothing runs twice, and afterwards all is as before within ten round
// trips.

const OVERLOAD = 3;
/** A call that takes longer than so many normal ones is not back to normal. */
const NORMAL = 1.5;
const MINUTE_MS = 60_000;

interface Scene {
  readonly clients: number;
  readonly timeoutMs: number;
  readonly overloadMs: number;
  readonly roundTripMs?: number;
  readonly limits?: Partial<Limits>;
  readonly bottleneck?: Bottleneck;
  readonly length?: number;
  /** Calls that can be served in a second, over all clients. */
  readonly capacity: number;
  /** Gives the handler of `work`, and what the service is served with. */
  readonly handler: (node: BusyNode, clock: VirtualClock) => (input: unknown) => unknown;
  readonly serve?: { readonly concurrency?: number; readonly waitMs?: number };
}

interface Measured {
  readonly normalMs: number;
  readonly over: readonly Sample[];
  readonly after: readonly Sample[];
  /** Calls of the overload that were answered while it lasted, as a share of the capacity. */
  readonly goodput: number;
  /** How long calls made after the overload were still slow, in normal calls' time. */
  readonly recovery: number;
  readonly executions: ReadonlyMap<number, number>;
}

async function play(scene: Scene): Promise<Measured> {
  const { clients, timeoutMs, overloadMs, capacity, limits = {}, length } = scene;
  const clock = new VirtualClock();
  const random = new SeededRandom(18);
  const wayMs = (scene.roundTripMs ?? 1) / 2;
  const { bottleneck } = scene;
  const faults = { delayMs: { min: wayMs, max: wayMs }, ...(bottleneck && { bottleneck }) };
  const network = new SimulatedNetwork({ clock, faults, datagramMax: 2048 });
  const node = new BusyNode(clock, network.open({ address: 100 }));
  const server = createEndpoint({ transport: node, clock: node, random: random.fork('server') });
  const executions = new Map<number, number>();
  const handler = scene.handler(node, clock);
  const work = (input: unknown): unknown => {
    const bytes = input as Uint8Array;
    const id = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
    executions.set(id, (executions.get(id) ?? 0) + 1);
    return handler(input);
  };
  server.serve(ID, { work }, scene.serve);
  const endpoints: Endpoint[] = [];
  const story = async (): Promise<Measured> => {
    const connections: Connection[] = [];
    for (let index = 0; index < clients; index++) {
      const transport = network.open({ address: 200 + index });
      const own = { random: random.fork(`${index}`), limits };
      const endpoint = createEndpoint({ transport, clock, ...own });
      endpoints.push(endpoint);
      connections.push(await endpoint.connect(ID, { peer: 100 }));
    }
    const common = { clock, connections, timeoutMs, ...(length === undefined ? {} : { length }) };
    const calm = (): Promise<Sample[]> =>
      offer({ ...common, perSecond: 0.3 * capacity, forMs: 1_000 });
    const normalMs = quantile(
      (await calm()).map(({ tookMs }) => tookMs),
      0.5,
    );
    const loaded = { perSecond: OVERLOAD * capacity, forMs: overloadMs, random };
    const overload = offer({ ...common, ...loaded });
    await until(clock, clock.now() + overloadMs);
    const end = clock.now();
    const after = await calm();
    const over = await overload;
    const good = over.filter((each) => !each.failed && each.madeAt + each.tookMs <= end);
    const slow = after.filter(({ failed, tookMs }) => failed || tookMs > NORMAL * normalMs);
    const recovery = Math.max(0, ...slow.map(({ madeAt }) => madeAt - end)) / normalMs;
    const goodput = good.length / ((capacity * overloadMs) / 1_000);
    return { normalMs, over, after, goodput, recovery, executions };
  };
  const measured = await clock.run(story());
  for (const endpoint of endpoints) endpoint.destroy();
  server.destroy();
  return measured;
}

/** Says what is wrong with what was measured; nothing if all is well. */
function faultsOf({ goodput, recovery, over, executions }: Measured): string[] {
  const found: string[] = [];
  if (goodput < 0.9) found.push(`goodput ${goodput.toFixed(3)}`);
  if (recovery > 10) found.push(`normal again after ${recovery.toFixed(1)} round trips`);
  const twice = [...executions.values()].filter((count) => count > 1).length;
  if (twice > 0) found.push(`${twice} calls ran twice`);
  const untrue = over.filter(({ id, failed }) => {
    const ran = executions.has(id);
    const outcome = failed === undefined ? 'executed' : failed.outcome;
    return ran ? outcome === 'not-sent' || outcome === 'not-executed' : outcome === 'executed';
  });
  if (untrue.length > 0) found.push(`${untrue.length} calls were told what is not true`);
  return found;
}

const SERVICE_MS = 5;
const SLOW_MS = 50;
const WAIT_MS = 15;

/** A handler that uses the process's one thread. */
const computing: Scene['handler'] = (node) => () => node.spend(SERVICE_MS);
/** A handler that waits for something that takes its time. */
const waiting: Scene['handler'] = (_node, clock) => () => until(clock, clock.now() + SERVICE_MS);

/** A handler that takes longer than what always may wait. */
const slow: Scene['handler'] = (_node, clock) => () => until(clock, clock.now() + SLOW_MS);

for (const [name, handler, serviceMs, timeoutMs] of [
  ['computes', computing, SERVICE_MS, 30_000],
  ['runs one slow handler at a time', slow, SLOW_MS, 30_000],
  ['runs one slow handler at a time', slow, SLOW_MS, 1_000],
] as const) {
  const told = `time limit ${timeoutMs} ms, for a minute, and nothing said of waiting`;
  test(`P6.11: overload of a server that ${name}: ${told}`, async (t) => {
    const common = { clients: 4, timeoutMs, overloadMs: MINUTE_MS, capacity: 1_000 / serviceMs };
    t.deepEqual(faultsOf(await play({ ...common, handler, serve: { concurrency: 1 } })), []);
  });
}

test('P6.11: after an overload clients that wait for replies may have a queue again', async (t) => {
  const { clock, client, server } = openPair({ roundTripMs: 1 });
  server.serve(ID, { work: () => until(clock, clock.now() + SERVICE_MS) }, { concurrency: 1 });
  await clock.run(
    (async () => {
      const connection = await client.connect(ID, { peer: 100 });
      const work = (timeoutMs: number): Promise<unknown> =>
        connection.call('work', 0, { timeoutMs });
      const hopeless = await Promise.allSettled(Array.from({ length: 400 }, () => work(200)));
      t.true(hopeless.filter(({ status }) => status === 'rejected').length > 300);
      for (let round = 0; round < 64; round++) await work(10_000);
      const patient = await Promise.allSettled(Array.from({ length: 64 }, () => work(10_000)));
      t.deepEqual(
        patient.filter(({ status }) => status === 'rejected'),
        [],
      );
      client.destroy();
      server.destroy();
    })(),
  );
});

for (const clients of [1, 4, 16]) {
  for (const timeoutMs of [Infinity, 1_000, 100]) {
    const told = `${clients} clients, time limit ${timeoutMs} ms, for 2 s`;
    const common = { clients, timeoutMs, overloadMs: 2_000, capacity: 1_000 / SERVICE_MS };
    test(`P6.11: overload of a server that computes: ${told}`, async (t) => {
      const measured = await play({ ...common, handler: computing, serve: { waitMs: WAIT_MS } });
      t.deepEqual(faultsOf(measured), []);
      const shed = measured.over.filter(({ failed }) => failed?.code === 'busy');
      t.true(shed.length > measured.over.length / 2, 'what cannot be served is refused');
    });
    test(`P6.11: overload of a server that runs one at a time: ${told}`, async (t) => {
      const serve = { concurrency: 1, waitMs: WAIT_MS };
      const measured = await play({ ...common, handler: waiting, serve });
      t.deepEqual(faultsOf(measured), []);
      const answered = measured.over.filter(({ failed }) => failed === undefined);
      const slowest = Math.max(...answered.map(({ tookMs }) => tookMs));
      t.true(slowest < WAIT_MS + 3 * SERVICE_MS, `none waited longer, ${slowest} ms at most`);
    });
  }
}

test("P6.11: half of a call's time is for waiting, also where no wait was set", async (t) => {
  const common = { clients: 4, timeoutMs: 200, overloadMs: 2_000, capacity: 1_000 / SERVICE_MS };
  const measured = await play({ ...common, handler: computing });
  t.true(measured.goodput > 0.9, `goodput ${measured.goodput}`);
  const late = measured.over.filter(({ failed }) => failed?.code === 'deadline-exceeded');
  t.true(late.length < measured.over.length / 100, 'nobody waits for what is not done in time');
});

for (const timeoutMs of [Infinity, 1_000, 100]) {
  test(`P6.12: overload of a link, time limit ${timeoutMs} ms`, async (t) => {
    const measured = await play({
      clients: 1,
      timeoutMs,
      overloadMs: 2_000,
      capacity: 1_000,
      length: 1_024,
      bottleneck: { perSecond: 1_000, places: 8 },
      limits: { waitMs: 5, packedMax: 2_048 },
      handler: () => () => undefined,
    });
    t.deepEqual(faultsOf(measured), []);
    const refused = measured.over.filter(({ failed }) => failed?.code === 'busy');
    t.true(refused.length > measured.over.length / 2);
    t.true(refused.every(({ failed }) => failed?.outcome === 'not-sent'));
  });
}
