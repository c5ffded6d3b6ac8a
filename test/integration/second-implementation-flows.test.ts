// Long values, messages and streams between this implementation and the one in Python, which counts
// every piece against the limit that it gave, and keeps the limit that it is given (§9, P6.10).
import { setImmediate } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import { type Connection, createEndpoint, type Endpoint, type Handlers } from '../../index.ts';
import { openNetlink, portidOf } from '../../transport/netlink/netlink.ts';
import {
  ascends,
  bad,
  type Id,
  interop,
  noComplaints,
  type Report,
  seeds,
  startPeer,
  sum,
} from './peers/session-peer.ts';

const SIZES = [60 * 1024, 60 * 1024 + 1, 300_000, 1 << 20];
/** Far below what the streams carry, so that who ignores a limit is seen at once. */
const CREDIT = 16_384;

interface Note {
  readonly session?: number;
  readonly channel: number;
  readonly n: number;
}

interface Item {
  readonly n: number;
  readonly pad: string;
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await setImmediate();
}

/** The methods that the Python client calls. */
function handlersOf(order: Map<string, number[]>): Handlers {
  return {
    echo: (input) => input,
    async note(input) {
      const { session = 0, channel, n } = input as Note;
      if (n % 7 === 0) await turns(20);
      const key = `${session}/${channel}`;
      order.set(key, [...(order.get(key) ?? []), n]);
      return n;
    },
    async *count(input) {
      const { count, size, fail } = input as { count: number; size: number; fail?: boolean };
      for (let n = 0; n < count; n += 1) yield { n, pad: 'x'.repeat(size) };
      if (fail === true) throw new Error('as you wish');
    },
    async total(_input, { requests }) {
      const numbers: number[] = [];
      let size = 0;
      for await (const item of requests as AsyncIterable<Item>) {
        numbers.push(item.n);
        size += item.pad.length;
        await turns(10);
      }
      return { numbers, size };
    },
    mirror: (_input, { requests }) => requests,
  };
}

async function pythonCalls(
  t: ExecutionContext,
  id: Id,
  args: readonly string[],
): Promise<{ done: Record<string, number>; order: Map<string, number[]>; most: Report['most'] }> {
  const order = new Map<string, number[]>();
  const transport = openNetlink({ portid: portidOf(id) });
  const server = createEndpoint({ transport, limits: { creditMax: CREDIT } });
  t.teardown(() => server.close());
  server.serve(id, handlersOf(order));
  const to = ['--to', String(portidOf(id)), '--credit', String(CREDIT)];
  const report = await startPeer(t, id, 'client', ...to, ...args).report;
  for (let turn = 0; server.stats().sessions > 0 && turn < 1_000; turn += 1) await setImmediate();
  t.deepEqual(report.wrong, []);
  t.is(sum(report.ended), 1);
  t.is(server.stats().sessions, 0);
  noComplaints(t, server.stats().dropped, report);
  return { done: report.done, order, most: report.most };
}

async function pythonServes(
  t: ExecutionContext,
  id: Id,
  args: readonly string[],
  run: (connection: Connection, client: Endpoint) => Promise<void>,
): Promise<Record<string, readonly (number | null)[]>> {
  const at = ['--portid', String(portidOf(id)), '--credit', String(CREDIT)];
  const peer = startPeer(t, id, 'server', ...at, ...args);
  await peer.ready;
  const client = createEndpoint({
    transport: openNetlink(),
    limits: { creditMax: CREDIT },
  });
  t.teardown(() => client.close());
  await run(await client.connect(id), client);
  await client.close();
  peer.child.kill('SIGTERM');
  const report = await peer.report;
  t.is(report.repeated, 0);
  t.is(sum(report.ended), 1);
  t.is(report.sessions, 0);
  noComplaints(t, client.stats().dropped, report);
  return report.order;
}

function valueOf(size: number, n: number): unknown {
  const bytes = new Uint8Array(size).map((_, at) => at * 7 + n);
  return n % 2 === 0 ? bytes : String(n).padEnd(size - 2, 'lang ');
}

async function longValues(t: ExecutionContext, connection: Connection): Promise<void> {
  const values = SIZES.flatMap((size, n) => [valueOf(size, n), valueOf(size, n + 1)]);
  await Promise.all(
    values.map(async (value, n) => {
      const options = n % 3 === 0 ? {} : { channel: `channel ${n % 3}` };
      const answer = await connection.call('echo', value, options);
      t.true(Buffer.from(answer as string).equals(Buffer.from(value as string)), `value ${n}`);
    }),
  );
}

async function messages(t: ExecutionContext, connection: Connection): Promise<void> {
  const made = Array.from({ length: 120 }, async (_, n) => {
    const channel = n % 4;
    const value = { channel, n, ...(n % 31 === 5 ? { pad: 'p'.repeat(70_000) } : {}) };
    const options = channel === 0 ? {} : { channel: `channel ${channel}` };
    if (n % 6 === 3) t.is(await connection.call('note', value, options), n);
    else t.is(await connection.send('note', value, options), undefined);
  });
  await Promise.all(made);
  const absent = await t.throwsAsync(connection.send('absent', null, { channel: 'channel 1' }));
  t.like(absent, { code: 'unimplemented', outcome: 'not-executed' });
}

function* items(count: number): Generator<Item> {
  for (let n = 0; n < count; n += 1) yield { n, pad: 'y'.repeat(700 * (n % 3)) };
}

async function collect(values: AsyncIterable<unknown>): Promise<unknown[]> {
  const all: unknown[] = [];
  for await (const value of values) {
    all.push(value);
    await turns(10);
  }
  return all;
}

async function streams(t: ExecutionContext, connection: Connection): Promise<void> {
  const count = 150;
  const numbers = Array.from({ length: count }, (_, n) => n);
  const counted = numbers.map((n) => ({ n, pad: 'x'.repeat(700) }));
  const size = [...items(count)].reduce((total, { pad }) => total + pad.length, 0);
  const there = async (): Promise<void> => {
    const options = { requests: items(count), channel: 'one' };
    t.deepEqual(await connection.call('total', { every: 0.002 }, options), { numbers, size });
  };
  const back = async (): Promise<void> => {
    t.deepEqual(await collect(connection.stream('count', { count, size: 700 })), counted);
    t.deepEqual(await collect(connection.stream('count', { count: 0, size: 1 })), []);
  };
  const both = async (): Promise<void> => {
    const input = { pad: 'z'.repeat(70_000) };
    const options = { requests: items(count) };
    t.deepEqual(await collect(connection.stream('mirror', input, options)), [...items(count)]);
  };
  const broken = async (): Promise<void> => {
    const values = connection.stream('count', { count: 3, size: 9_000, fail: true });
    for (let n = 0; n < 3; n += 1) t.like(await values.next(), { done: false });
    t.like(await t.throwsAsync(values.next()), { code: 'application', outcome: 'executed' });
  };
  const early = async (): Promise<void> => {
    t.is(await connection.call('echo', 'early', { requests: items(count) }), 'early');
    t.deepEqual(await collect(connection.stream('echo', 'single')), ['single']);
  };
  await Promise.all([there(), back(), both(), broken(), early()]);
}

async function orders(
  t: ExecutionContext,
  order: Readonly<Record<string, readonly (number | null)[]>>,
  count: number,
): Promise<void> {
  for (const numbers of Object.values(order)) t.is(numbers.length, count / 4);
  for (const [channel, numbers] of Object.entries(order)) {
    if (!channel.endsWith('0')) t.true(ascends(numbers as number[]), `${channel}: ${numbers}`);
    t.is(new Set(numbers).size, numbers.length);
  }
  t.is(Object.keys(order).length, 4);
}

const networks: readonly (readonly [string, readonly string[]])[] = [
  ['a good network', []],
  ...seeds.map((seed) => [`a bad network, seed ${seed}`, bad(seed)] as const),
];

for (const [network, args] of networks) {
  interop(`a Python server gets long values and sends them back over ${network}`, async (t, id) => {
    await pythonServes(t, id, args, (connection) => longValues(t, connection));
  });
  interop(`a Python client calls with long values over ${network}`, async (t, id) => {
    const { done } = await pythonCalls(t, id, ['--work', 'long', ...args]);
    t.deepEqual(done, { 'echo 0': SIZES.length * 2 });
  });
  interop(`a Python server runs messages in order over ${network}`, async (t, id) => {
    const order = await pythonServes(t, id, args, (connection) => messages(t, connection));
    await orders(t, order, 120);
  });
  interop(`a Python client sends messages over ${network}`, async (t, id) => {
    const work = ['--work', 'sends', '--calls', '120', '--in-flight', '40'];
    const { done, order, most } = await pythonCalls(t, id, [...work, ...args]);
    t.true((most['accepted'] ?? 0) > 0, 'none was said to be accepted before it had run');
    t.deepEqual(done, { 'note 0': 120, 'absent 2': 2 });
    await orders(t, Object.fromEntries(order), 120);
  });
  interop(
    `streams to and from a Python server keep their credit over ${network}`,
    async (t, id) => {
      await pythonServes(t, id, args, (connection) => streams(t, connection));
    },
  );
  interop(
    `streams to and from a Python client keep their credit over ${network}`,
    async (t, id) => {
      const { done, most } = await pythonCalls(t, id, ['--work', 'streams', ...args]);
      t.deepEqual(done, {
        ...{ 'count 0': 2, 'count 1': 1, 'total 0': 1, 'mirror 0': 1, 'echo 0': 2 },
      });
      t.true((most['held'] ?? 0) > CREDIT / 2, `a slow taker held ${most['held']}`);
    },
  );
}

interop('a Python client gives messages up over a bad network', async (t, id) => {
  const work = ['--work', 'sends', '--calls', '120', '--cancel', '0.3', ...bad(4)];
  const { done, order } = await pythonCalls(t, id, work);
  const { 'note 0': noted = 0, 'given up': givenUp = 0, ...others } = done;
  t.is(noted + givenUp, 120);
  t.true(noted > 0 && givenUp > 0);
  t.deepEqual(others, { 'absent 2': 2 });
  for (const [channel, numbers] of order) t.true(channel.endsWith('0') || ascends(numbers));
});

interop('a Python client gives long values up half-way', async (t, id) => {
  const work = ['--work', 'long', '--cancel', '0.5', ...bad(5)];
  const { done } = await pythonCalls(t, id, work);
  t.deepEqual(done, { 'echo 0': 6, 'given up': 2 });
});

interop('long values go both ways with the least credit (P9.9)', async (t, id) => {
  const least = ['--credit', '4096', ...bad(6)];
  await pythonServes(t, id, least, (connection) => longValues(t, connection));
});

interop('a Python client gets long values with the least credit (P9.9)', async (t, id) => {
  const { done } = await pythonCalls(t, id, ['--work', 'long', '--credit', '4096', ...bad(7)]);
  t.deepEqual(done, { 'echo 0': SIZES.length * 2 });
});
