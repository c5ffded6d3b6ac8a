import test from 'ava';
import { deferred, ID, World } from './world.ts';
import { ConnectorError } from '../../index.ts';

const LINK = { delayMs: { min: 0.5, max: 0.5 } };

test('a call is answered and leaves nothing behind', async (t) => {
  const world = new World({ faults: LINK });
  await world.run(async () => {
    const server = world.endpoint(100);
    server.serve(ID, { double: (input) => Number(input) * 2 });
    const client = world.endpoint(200);
    const connection = await client.connect(ID, { peer: 100 });
    t.is(await connection.call('double', 21), 42);
    await client.close();
    await server.close();
    t.is(client.stats().sessions, 0);
    t.is(server.stats().sessions, 0);
    t.is(server.stats().requestsHeld, 0);
    t.is(server.stats().repliesKept, 0);
  });
  t.is(await world.timersLeft(), 0);
});

test('bytes travel as bytes, nothing as nothing, all else as JSON', async (t) => {
  const world = new World();
  await world.run(async () => {
    const server = world.endpoint(100);
    server.serve(ID, { echo: (input) => input });
    const client = world.endpoint(200);
    const connection = await client.connect(ID, { peer: 100 });
    t.is(await connection.call('echo'), undefined);
    t.is(await connection.call('echo', null), null);
    t.deepEqual(await connection.call('echo', { a: [1, 'ü'] }), { a: [1, 'ü'] });
    const bytes = new Uint8Array([0, 255, 7]);
    t.deepEqual(await connection.call('echo', bytes), bytes);
    t.deepEqual(await connection.call('echo', new Uint8Array(0)), new Uint8Array(0));
    await client.close();
    await server.close();
  });
});

test('a caller may reuse its bytes as soon as call has returned', async (t) => {
  const world = new World({ faults: { ...LINK, loss: 0.5 }, seed: 3 });
  await world.run(async () => {
    const server = world.endpoint(100);
    server.serve(ID, { echo: (input) => input });
    const client = world.endpoint(200);
    const connection = await client.connect(ID, { peer: 100 });
    const bytes = new Uint8Array(4);
    const calls: Promise<unknown>[] = [];
    for (let value = 0; value < 50; value++) {
      bytes.fill(value);
      calls.push(connection.call('echo', bytes));
    }
    for (const [value, call] of calls.entries()) {
      t.deepEqual(await call, new Uint8Array(4).fill(value));
    }
    await client.close();
    await server.close();
  });
});

test('what a handler throws reaches the caller as executed (P6.8)', async (t) => {
  const world = new World();
  await world.run(async () => {
    const server = world.endpoint(100);
    server.serve(ID, {
      sync: () => {
        throw new Error('no such register');
      },
      later: () => Promise.reject(new Error('too late')),
      odd: () => {
        throw { toString: null };
      },
      cycle: () => {
        const value: unknown[] = [];
        value.push(value);
        return value;
      },
    });
    const client = world.endpoint(200);
    const connection = await client.connect(ID, { peer: 100 });
    const fails = async (method: string, message: string): Promise<void> => {
      const error = await t.throwsAsync(connection.call(method), { instanceOf: ConnectorError });
      t.is(error.code, 'application');
      t.is(error.outcome, 'executed');
      t.true(error.message.includes(message), error.message);
    };
    await fails('sync', 'no such register');
    await fails('later', 'too late');
    await fails('odd', 'threw a object');
    await fails('cycle', 'cannot be written as JSON');
    const error = await t.throwsAsync(connection.call('absent'), { instanceOf: ConnectorError });
    t.is(error.code, 'unimplemented');
    t.is(error.outcome, 'not-executed');
    await client.close();
    await server.close();
  });
});

test('local misuse fails at once and by name', async (t) => {
  const world = new World();
  await world.run(async () => {
    const server = world.endpoint(100);
    server.serve(ID, {});
    t.throws(() => server.serve(ID, {}), { message: /served already/ });
    t.throws(() => server.serve({ idx: -1, val: 0 }, {}), { message: /32 bits/ });
    const client = world.endpoint(200);
    const connection = await client.connect(ID, { peer: 100 });
    const misuse = async (promise: Promise<unknown>, message: RegExp): Promise<void> => {
      const error = await t.throwsAsync(promise, { instanceOf: ConnectorError, message });
      t.is(error.outcome, 'not-sent');
    };
    await misuse(connection.call('', 1), /has a name/);
    await misuse(connection.call('x'.repeat(256), 1), /255 bytes/);
    await misuse(connection.call('x', 1, { timeoutMs: -1 }), /timeoutMs/);
    await misuse(connection.call('x', 1n), /JSON/);
    await misuse(connection.call('x', new Uint8Array(client.valueMax + 1)), /too-big/);
    await client.close();
    await misuse(connection.call('x', 1), /closed/);
    await server.close();
  });
});

test('a service nobody serves is refused, an address nobody is bound to has no peer', async (t) => {
  const world = new World();
  await world.run(async () => {
    const server = world.endpoint(100);
    const client = world.endpoint(200);
    const refused = await t.throwsAsync(client.connect(ID, { peer: 100 }));
    t.is((refused as ConnectorError).code, 'refused');
    const nobody = await t.throwsAsync(client.connect(ID, { peer: 300 }));
    t.is((nobody as ConnectorError).code, 'no-peer');
    t.is((nobody as ConnectorError).outcome, 'not-sent');
    await client.close();
    await server.close();
  });
});

test('waitForReady waits until somebody serves the address', async (t) => {
  const world = new World();
  await world.run(async () => {
    const client = world.endpoint(200);
    const connecting = client.connect(ID, { peer: 100, waitForReady: true });
    await world.sleep(50);
    const server = world.endpoint(100);
    server.serve(ID, { ping: () => 'pong' });
    const connection = await connecting;
    t.is(await connection.call('ping'), 'pong');
    await client.close();
    await server.close();
  });
});

test('an allow rule is asked with the credentials, on both sides (P4.9)', async (t) => {
  const world = new World();
  await world.run(async () => {
    const server = world.endpoint(100);
    server.serve(ID, { ping: () => 'pong' }, { allow: (credentials) => credentials?.pid === 200 });
    const client = world.endpoint(200);
    const stranger = world.endpoint(201);
    const refused = await t.throwsAsync(stranger.connect(ID, { peer: 100 }));
    t.is((refused as ConnectorError).code, 'refused');
    t.is(server.stats().dropped.denied, 1);
    const wary = client.connect(ID, { peer: 100, allow: (credentials) => credentials?.pid === 99 });
    t.is(((await t.throwsAsync(wary)) as ConnectorError).code, 'refused');
    const connection = await client.connect(ID, { peer: 100 });
    t.is(connection.credentials?.pid, 100);
    t.is(await connection.call('ping'), 'pong');
    await client.close();
    await stranger.close();
    await server.close();
  });
});

test('either side may call the other on the same session (P6.1)', async (t) => {
  const world = new World({ faults: LINK });
  await world.run(async () => {
    const server = world.endpoint(100);
    server.serve(ID, {
      ask: async (input, context) => `${await context.call('name', input)}!`,
    });
    const client = world.endpoint(200);
    const connection = await client.connect(ID, {
      peer: 100,
      handlers: { name: (input) => `client ${String(input)}` },
    });
    t.is(await connection.call('ask', 7), 'client 7!');
    t.is(server.stats().sessionsOpened, 1);
    await client.close();
    await server.close();
  });
});

test('a closing server finishes what runs and refuses what is new (P7.3, P7.4)', async (t) => {
  const world = new World({ faults: LINK });
  await world.run(async () => {
    const server = world.endpoint(100);
    const gate = deferred();
    const serving = server.serve(ID, {
      slow: async () => {
        await gate.promise;
        return 'done';
      },
      quick: () => 'quick',
    });
    const client = world.endpoint(200);
    const connection = await client.connect(ID, { peer: 100 });
    const slow = connection.call('slow');
    await world.sleep(5);
    const closing = serving.close();
    const late = await t.throwsAsync(connection.call('quick'), { instanceOf: ConnectorError });
    t.is(late.code, 'closed');
    t.is(late.outcome, 'not-executed');
    gate.resolve();
    t.is(await slow, 'done');
    await closing;
    t.is(server.stats().sessions, 0);
    await client.close();
    await server.close();
  });
  t.is(await world.timersLeft(), 0);
});

test('a close with a limit ends in time, whatever handlers do', async (t) => {
  const world = new World({ faults: LINK });
  await world.run(async () => {
    const server = world.endpoint(100);
    const started = deferred();
    server.serve(ID, {
      hang: () => {
        started.resolve();
        return new Promise(() => {});
      },
    });
    const client = world.endpoint(200);
    const connection = await client.connect(ID, { peer: 100 });
    const call = connection.call('hang', undefined, { timeoutMs: Infinity });
    await started.promise;
    const before = world.clock.now();
    await server.close({ timeoutMs: 100 });
    t.is(world.clock.now() - before, 100);
    const error = await t.throwsAsync(call, { instanceOf: ConnectorError });
    t.is(error.outcome, 'unknown');
    await client.close();
  });
  t.is(await world.timersLeft(), 0);
});
