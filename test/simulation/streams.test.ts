import test from 'ava';
import { deferred, ID, World } from './world.ts';
import { ConnectorError, type CallContext } from '../../index.ts';

const ROUGH = {
  delayMs: { min: 0, max: 2 },
  loss: 0.1,
  duplicate: 0.1,
  reorder: 0.2,
  corrupt: 0.02,
};

const handlers = {
  async *count(input: unknown): AsyncGenerator<number> {
    for (let index = 0; index < Number(input); index++) yield index;
  },
  async sum(_input: unknown, { requests }: CallContext): Promise<number> {
    let sum = 0;
    for await (const value of requests) sum += Number(value);
    return sum;
  },
  async *double(input: unknown, { requests }: CallContext): AsyncGenerator<unknown> {
    yield input;
    for await (const value of requests) yield 2 * Number(value);
  },
  async *fails(): AsyncGenerator<number> {
    yield 1;
    yield 2;
    throw new Error('enough');
  },
  plain: () => 'one value',
};

async function all(values: AsyncIterable<unknown>): Promise<unknown[]> {
  const taken: unknown[] = [];
  for await (const value of values) taken.push(value);
  return taken;
}

function* range(count: number): Generator<number> {
  for (let index = 0; index < count; index++) yield index;
}

test('streams go either way and both at once, whole and in order (P9.4, P9.5)', async (t) => {
  for (let seed = 1; seed <= 8; seed++) {
    const world = new World({ faults: ROUGH, seed });
    await world.run(async () => {
      const server = world.endpoint(100, { creditMax: 4096 });
      server.serve(ID, handlers);
      const client = world.endpoint(200, { creditMax: 8192 });
      const connection = await client.connect(ID, { peer: 100 });
      const [counted, sum, doubled, channel] = await Promise.all([
        all(connection.stream('count', 300)),
        connection.call('sum', undefined, { requests: range(300) }),
        all(connection.stream('double', 'first', { requests: range(300) })),
        all(connection.stream('count', 20, { channel: 'c' })),
      ]);
      t.deepEqual(counted, [...range(300)], `seed ${seed}`);
      t.is(sum, (299 * 300) / 2);
      t.deepEqual(doubled, ['first', ...[...range(300)].map((value) => 2 * value)]);
      t.is(channel.length, 20);
      await world.sleep(1000);
      for (const endpoint of [client, server]) {
        t.like(endpoint.stats(), { requestsHeld: 0, flowCostHeld: 0 });
      }
      await client.close();
      await server.close();
    });
    t.is(await world.timersLeft(), 0, `seed ${seed}`);
  }
});

test('a stream of long values arrives as it went', async (t) => {
  const world = new World({ faults: ROUGH, seed: 3 });
  await world.run(async () => {
    const server = world.endpoint(100);
    server.serve(ID, {
      async *grow(_input, { requests }) {
        for await (const value of requests) yield new Uint8Array(Number(value)).fill(5);
      },
    });
    const client = world.endpoint(200);
    const connection = await client.connect(ID, { peer: 100 });
    const lengths = [0, 300_000, 10, 700_000, 65_536];
    const got = await all(connection.stream('grow', undefined, { requests: lengths }));
    t.deepEqual(
      got.map((bytes) => (bytes as Uint8Array).length),
      lengths,
    );
    await client.close();
    await server.close();
  });
});

test('a slow taker bounds what is made for it (P9.6)', async (t) => {
  const world = new World({ faults: { delayMs: { min: 1, max: 1 } } });
  await world.run(async () => {
    let made = 0;
    const server = world.endpoint(100);
    server.serve(ID, {
      async *make() {
        for (;;) {
          made += 1;
          yield new Uint8Array(10_000);
        }
      },
    });
    const client = world.endpoint(200, { creditMax: 100_000 });
    const connection = await client.connect(ID, { peer: 100 });
    const values = connection.stream('make');
    for (let taken = 1; taken <= 50; taken++) {
      await values.next();
      await world.sleep(20);
      t.true(made - taken <= 12, `${made} made, ${taken} taken`);
    }
    await values.return();
    const stopped = made;
    await world.sleep(100);
    t.true(made <= stopped + 1, 'nothing is made once nobody takes it');
    t.like(client.stats(), { flowCostHeld: 0 });
    t.like(server.stats(), { requestsHeld: 0 });
    await client.close();
    await server.close();
  });
});

test('a slow handler bounds what its caller sends', async (t) => {
  const world = new World({ faults: { delayMs: { min: 1, max: 1 } } });
  await world.run(async () => {
    let given = 0;
    let taken = 0;
    const server = world.endpoint(100, { creditMax: 100_000 });
    server.serve(ID, {
      slow: async (_input, { requests }) => {
        for await (const value of requests) {
          taken += 1;
          t.is((value as Uint8Array).length, 10_000);
          await world.sleep(20);
          t.true(given - taken <= 12, `${given} given, ${taken} taken`);
        }
        return taken;
      },
    });
    const client = world.endpoint(200);
    const connection = await client.connect(ID, { peer: 100 });
    const requests = (function* () {
      for (; given < 40; given++) yield new Uint8Array(10_000);
    })();
    t.is(await connection.call('slow', undefined, { requests }), 40);
    await client.close();
    await server.close();
  });
});

test('how a stream ends is said after what came: well, by its handler, or by nobody', async (t) => {
  const world = new World();
  await world.run(async () => {
    const server = world.endpoint(100);
    server.serve(ID, handlers);
    const client = world.endpoint(200);
    const connection = await client.connect(ID, { peer: 100 });
    const failing = connection.stream('fails');
    t.is((await failing.next()).value, 1);
    t.is((await failing.next()).value, 2);
    const error = await t.throwsAsync(failing.next(), { instanceOf: ConnectorError });
    t.like(error, { code: 'application', outcome: 'executed' });
    t.regex(error.message, /enough/);
    t.deepEqual(await all(connection.stream('plain')), ['one value']);
    t.deepEqual(await all(connection.stream('count', 0)), []);
    const unary = await t.throwsAsync(connection.call('count', 3));
    t.like(unary, { code: 'application' }, 'whoever takes one value cannot be given a stream');
    const missing = await t.throwsAsync(all(connection.stream('nothing')));
    t.like(missing, { code: 'unimplemented', outcome: 'not-executed' });
    await client.close();
    await server.close();
  });
});

test('a deadline or a signal ends a stream at both ends (P9.7)', async (t) => {
  const world = new World({ faults: { delayMs: { min: 1, max: 1 } } });
  await world.run(async () => {
    const ends: string[] = [];
    const server = world.endpoint(100);
    server.serve(ID, {
      async *forever(_input, context) {
        const { signal } = context;
        try {
          for (let index = 0; !signal.aborted; index++) {
            yield index;
            await world.sleep(3);
          }
        } finally {
          ends.push('made');
        }
      },
      take: async (_input, { requests }) => {
        try {
          for await (const value of requests) t.is(typeof value, 'number');
          ends.push('well');
        } catch (error) {
          ends.push((error as ConnectorError).code);
        }
      },
    });
    const client = world.endpoint(200);
    const connection = await client.connect(ID, { peer: 100 });
    const late = await t.throwsAsync(all(connection.stream('forever', 0, { timeoutMs: 20 })));
    t.like(late, { code: 'deadline-exceeded', outcome: 'unknown' });
    const controller = new AbortController();
    const aborted = all(connection.stream('forever', 0, { signal: controller.signal }));
    world.clock.at(world.clock.now() + 10, () => controller.abort());
    t.like(await t.throwsAsync(aborted), { code: 'cancelled' });
    const gate = deferred();
    const requests = (async function* () {
      yield 1;
      await gate.promise;
      throw new Error('broken source');
    })();
    const broken = connection.call('take', undefined, { requests });
    world.clock.at(world.clock.now() + 10, () => gate.resolve());
    const error = await t.throwsAsync(broken, { instanceOf: ConnectorError });
    t.like(error, { code: 'cancelled' });
    t.is((error.cause as Error).message, 'broken source');
    await world.sleep(100);
    t.deepEqual(ends, ['made', 'made', 'cancelled']);
    t.like(server.stats(), { requestsHeld: 0, flowCostHeld: 0 });
    await client.close();
    await server.close();
  });
});

test('misuse of streams is refused at once', async (t) => {
  const world = new World();
  await world.run(async () => {
    const server = world.endpoint(100);
    server.serve(ID, handlers);
    const client = world.endpoint(200);
    const connection = await client.connect(ID, { peer: 100 });
    const misuse = { code: 'invalid-argument' };
    t.like(
      t.throws(() => connection.stream('count', 1, { idempotent: true })),
      misuse,
    );
    t.like(
      t.throws(() => connection.stream('')),
      misuse,
    );
    const requests = [1];
    t.like(await t.throwsAsync(connection.send('sum', 1, { requests })), misuse);
    const repeated = connection.call('sum', 1, { requests, idempotent: true });
    t.like(await t.throwsAsync(repeated), misuse);
    await client.close();
    const closed = connection.stream('count', 1);
    t.like(await t.throwsAsync(closed.next()), { code: 'closed', outcome: 'not-sent' });
    await server.close();
  });
});

test('a stream that nobody begins to take costs nothing', async (t) => {
  const world = new World();
  await world.run(async () => {
    let ran = 0;
    const server = world.endpoint(100);
    server.serve(ID, { run: () => (ran += 1) });
    const client = world.endpoint(200);
    const connection = await client.connect(ID, { peer: 100 });
    connection.stream('run');
    await world.sleep(100);
    t.is(ran, 0);
    await client.close();
    await server.close();
  });
});

test('a server streams from its caller: call-backs have all that calls have', async (t) => {
  const world = new World({ faults: ROUGH, seed: 5 });
  await world.run(async () => {
    const notes: unknown[] = [];
    const server = world.endpoint(100);
    server.serve(ID, {
      ask: async (_input, context) => {
        await context.send('note', 'here');
        const values = await all(context.stream('count', 5));
        return [await context.call('sum', undefined, { requests: range(5) }), values];
      },
    });
    const client = world.endpoint(200);
    const note = (input: unknown): number => notes.push(input);
    const connection = await client.connect(ID, { peer: 100, handlers: { ...handlers, note } });
    t.deepEqual(await connection.call('ask'), [10, [0, 1, 2, 3, 4]]);
    t.deepEqual(notes, ['here']);
    await client.close();
    await server.close();
  });
});

test('a stream whose server dies ends with what is known (P9.7)', async (t) => {
  const world = new World({ faults: { delayMs: { min: 1, max: 1 } } });
  await world.run(async () => {
    const first = world.endpoint(100);
    first.serve(ID, {
      async *ticks() {
        for (let index = 0; ; index++) {
          yield index;
          await world.sleep(5);
        }
      },
    });
    const client = world.endpoint(200, { silenceMs: 300 });
    const connection = await client.connect(ID, { peer: 100 });
    const values = connection.stream('ticks');
    t.is((await values.next()).value, 0);
    first.destroy();
    const error = await t.throwsAsync(all(values));
    t.like(error, { code: 'peer-lost', outcome: 'unknown' });
    t.is(client.stats().flowCostHeld, 0);
    await client.close();
  });
});
