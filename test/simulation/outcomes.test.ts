import test from 'ava';
import { deferred, ID, World } from './world.ts';
import { ConnectorError } from '../../index.ts';

const LINK = { delayMs: { min: 0.5, max: 0.5 } };

async function failure(promise: Promise<unknown>): Promise<ConnectorError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof ConnectorError) return error;
    throw error;
  }
  throw new Error('it should have failed');
}

test('a deadline settles the call as unknown and aborts the handler', async (t) => {
  const world = new World({ faults: LINK });
  await world.run(async () => {
    const server = world.endpoint(100);
    const aborted = deferred<number>();
    server.serve(ID, {
      hang: (_input, { signal }) => {
        signal.addEventListener('abort', () => aborted.resolve(world.clock.now()));
        return new Promise(() => {});
      },
    });
    const client = world.endpoint(200);
    const connection = await client.connect(ID, { peer: 100 });
    const start = world.clock.now();
    const error = await failure(connection.call('hang', 1, { timeoutMs: 20 }));
    t.is(error.code, 'deadline-exceeded');
    t.is(error.outcome, 'unknown');
    const settledAfter = world.clock.now() - start;
    t.true(settledAfter >= 20 && settledAfter <= 21, `settled after ${settledAfter} ms`);
    const abortedAfter = (await aborted.promise) - start;
    t.true(abortedAfter >= 20 && abortedAfter <= 22, `aborted after ${abortedAfter} ms`);
    client.destroy();
    server.destroy();
  });
});

test('a caller that aborts is told at once, and so is the handler (P6.7)', async (t) => {
  const world = new World({ faults: LINK });
  await world.run(async () => {
    const server = world.endpoint(100);
    const started = deferred();
    const aborted = deferred();
    server.serve(ID, {
      hang: (_input, { signal }) => {
        started.resolve();
        signal.addEventListener('abort', () => aborted.resolve());
        return new Promise((resolve) => signal.addEventListener('abort', resolve));
      },
    });
    const client = world.endpoint(200);
    const connection = await client.connect(ID, { peer: 100 });
    const controller = new AbortController();
    const call = connection.call('hang', 1, { signal: controller.signal });
    await started.promise;
    controller.abort();
    const error = await failure(call);
    t.is(error.code, 'cancelled');
    t.is(error.outcome, 'unknown');
    await aborted.promise;
    const early = await failure(connection.call('hang', 1, { signal: controller.signal }));
    t.is(early.outcome, 'not-sent');
    await client.close();
    await server.close();
    t.is(server.stats().requestsHeld, 0);
  });
  t.is(await world.timersLeft(), 0);
});

test('a server started anew ends the open calls at once as unknown', async (t) => {
  const world = new World({ faults: LINK });
  await world.run(async () => {
    const first = world.endpoint(100);
    const started = deferred();
    first.serve(ID, {
      hang: () => {
        started.resolve();
        return new Promise(() => {});
      },
    });
    const client = world.endpoint(200);
    const connection = await client.connect(ID, { peer: 100 });
    const open = connection.call('hang');
    await started.promise;
    await world.sleep(10);
    first.destroy();
    const second = world.endpoint(100);
    let executions = 0;
    second.serve(ID, { hang: () => (executions += 1) });
    const restarted = world.clock.now();
    // Anything sent to the new incarnation tells; here it is the next call.
    const next = connection.call('hang', undefined, { idempotent: true });
    const error = await failure(open);
    t.is(error.code, 'peer-lost');
    t.is(error.outcome, 'unknown');
    const after = world.clock.now() - restarted;
    t.true(after < 5, `told ${after} ms after the restart`);
    t.is(await next, 1);
    t.is(executions, 1, 'the old call did not run again');
    await client.close();
    await second.close();
  });
});

test('calls not sent when the session is lost go on in the next one (P6.9)', async (t) => {
  const world = new World({ faults: LINK });
  await world.run(async () => {
    const first = world.endpoint(100);
    first.serve(ID, { ping: () => 'first' });
    const client = world.endpoint(200);
    const connection = await client.connect(ID, { peer: 100 });
    t.is(await connection.call('ping'), 'first');
    first.destroy();
    const error = await failure(connection.call('ping'));
    t.is(error.code, 'no-peer');
    t.is(error.outcome, 'not-sent');
    const second = world.endpoint(100);
    second.serve(ID, { ping: () => 'second' });
    t.is(await connection.call('ping'), 'second');
    await client.close();
    await second.close();
  });
});

test('a session that gave way to another while idle costs its client nothing', async (t) => {
  const world = new World({ faults: LINK });
  await world.run(async () => {
    const server = world.endpoint(100, { sessionsMax: 2, sessionsPerPeerMax: 2 });
    server.serve(ID, { ping: () => 'pong' });
    const clients = [201, 202, 203].map((address) => world.endpoint(address));
    const connections = [];
    for (const client of clients) {
      const connection = await client.connect(ID, { peer: 100 });
      t.is(await connection.call('ping'), 'pong');
      await world.sleep(50);
      connections.push(connection);
    }
    t.is(server.stats().sessions, 2);
    for (const connection of connections) t.is(await connection.call('ping'), 'pong');
    for (const client of clients) await client.close();
    await server.close();
  });
});

test('a full server refuses sessions and requests as busy, and nothing runs', async (t) => {
  const world = new World({ faults: LINK });
  await world.run(async () => {
    const gate = deferred();
    const server = world.endpoint(100, { sessionsMax: 1, sessionsPerPeerMax: 1, requestsMax: 4 });
    let executions = 0;
    server.serve(ID, {
      wait: async () => {
        executions += 1;
        await gate.promise;
      },
    });
    const client = world.endpoint(200);
    const connection = await client.connect(ID, { peer: 100 });
    const calls = [connection.call('wait'), connection.call('wait')];
    const error = await failure(connection.call('wait'));
    t.is(error.code, 'busy');
    t.is(error.outcome, 'not-executed');
    const other = world.endpoint(201);
    t.is((await failure(other.connect(ID, { peer: 100 }))).code, 'busy');
    gate.resolve();
    await Promise.all(calls);
    t.is(executions, 2);
    await client.close();
    await other.close();
    await server.close();
  });
});

test('calls beyond the bounds of the client are busy and were not sent', async (t) => {
  const world = new World({ faults: LINK });
  await world.run(async () => {
    const server = world.endpoint(100);
    server.serve(ID, { ping: () => 'pong' });
    const client = world.endpoint(200, { callsPerSessionMax: 3 });
    const connection = await client.connect(ID, { peer: 100 });
    const calls = [1, 2, 3].map(() => connection.call('ping'));
    const error = await failure(connection.call('ping'));
    t.is(error.code, 'busy');
    t.is(error.outcome, 'not-sent');
    await Promise.all(calls);
    await client.close();
    await server.close();
  });
});

test('a reply that gave way is reported as executed, and nothing runs again', async (t) => {
  const world = new World({ faults: LINK });
  await world.run(async () => {
    let executions = 0;
    const server = world.endpoint(100, { repliesMax: 1 });
    server.serve(ID, { blob: () => ((executions += 1), new Uint8Array(1000)) });
    const client = world.endpoint(200);
    const connection = await client.connect(ID, { peer: 100 });
    // Both replies are made in one turn: the second takes the first one's place before it was sent.
    const results = await Promise.allSettled([connection.call('blob'), connection.call('blob')]);
    t.is(results[0]!.status, 'rejected');
    const error = (results[0] as PromiseRejectedResult).reason as ConnectorError;
    t.is(error.code, 'reply-evicted');
    t.is(error.outcome, 'executed');
    t.is(results[1]!.status, 'fulfilled');
    t.is(executions, 2);
    await client.close();
    await server.close();
  });
});

test('a partition that heals in time costs no call', async (t) => {
  const world = new World({ faults: LINK });
  await world.run(async () => {
    let executions = 0;
    const server = world.endpoint(100);
    server.serve(ID, { count: () => (executions += 1) });
    const client = world.endpoint(200);
    const connection = await client.connect(ID, { peer: 100 });
    world.network.partition(100, 200);
    world.network.partition(200, 100);
    const calls = [1, 2, 3].map(() => connection.call('count'));
    await world.sleep(5_000);
    t.is(executions, 0);
    world.network.heal(100, 200);
    world.network.heal(200, 100);
    t.deepEqual(await Promise.all(calls), [1, 2, 3]);
    t.is(executions, 3);
    await client.close();
    await server.close();
  });
});

test('a peer silent for too long ends its session; what was sent is unknown', async (t) => {
  const world = new World({ faults: LINK });
  await world.run(async () => {
    const server = world.endpoint(100);
    server.serve(ID, { ping: () => 'pong' });
    const client = world.endpoint(200, { silenceMs: 1_000 });
    const connection = await client.connect(ID, { peer: 100 });
    world.network.partition(200, 100);
    const error = await failure(connection.call('ping'));
    t.is(error.code, 'peer-lost');
    t.is(error.outcome, 'unknown');
    client.destroy();
    server.destroy();
  });
});

test('a close that races with calls leaves nothing counted', async (t) => {
  for (let seed = 1; seed <= 60; seed++) {
    const world = new World({ faults: { ...LINK, loss: 0.3 }, seed });
    await world.run(async () => {
      const server = world.endpoint(100);
      const serving = server.serve(ID, { ping: () => 'pong' });
      const client = world.endpoint(200);
      const connection = await client.connect(ID, { peer: 100 });
      const closing = world.sleep(seed % 7).then(() => serving.close());
      const calls = Array.from({ length: 20 }, async (_value, index) => {
        await world.sleep(index % 11);
        await connection.call('ping').catch(() => {});
      });
      await Promise.all([closing, ...calls]);
      await world.sleep(2_000); // a session offered before the close began ends after it
      const { sessions, requestsHeld, repliesKept, refusalsHeld } = server.stats();
      t.deepEqual(
        [sessions, requestsHeld, repliesKept, refusalsHeld],
        [0, 0, 0, 0],
        `seed ${seed}`,
      );
      client.destroy();
      server.destroy();
    });
  }
});

test('an idempotent call that may have run before is never told as not sent (P6.8)', async (t) => {
  const world = new World({ faults: LINK });
  await world.run(async () => {
    const first = world.endpoint(100);
    const started = deferred();
    first.serve(ID, {
      hang: () => {
        started.resolve();
        return new Promise(() => {});
      },
    });
    const client = world.endpoint(200);
    const connection = await client.connect(ID, { peer: 100, waitForReady: true });
    const call = connection.call('hang', 1, { idempotent: true, timeoutMs: 200 });
    await started.promise;
    first.destroy();
    // It fails over as soon as something shows that the peer is gone, and finds nobody.
    const probe = connection.call('hang', 2, { timeoutMs: 50 });
    await failure(probe);
    const error = await failure(call);
    t.is(error.code, 'deadline-exceeded');
    t.is(error.outcome, 'unknown');
    client.destroy();
  });
});

test('destroy settles the calls that wait for a session at once, as closed', async (t) => {
  const world = new World({ faults: LINK });
  await world.run(async () => {
    const server = world.endpoint(100);
    server.serve(ID, { ping: () => 'pong' });
    const client = world.endpoint(200);
    const connection = await client.connect(ID, { peer: 100, waitForReady: true });
    server.destroy();
    await failure(connection.call('ping', 0, { timeoutMs: 20 }));
    const waiting = connection.call('ping', 1, { timeoutMs: 10_000 });
    const connecting = client.connect(ID, { peer: 100, waitForReady: true });
    await world.sleep(5);
    const before = world.clock.now();
    client.destroy();
    const error = await failure(waiting);
    t.is(error.code, 'closed');
    t.is(error.outcome, 'not-sent');
    t.is(world.clock.now(), before);
    t.is((await failure(connecting)).code, 'closed');
  });
  t.is(await world.timersLeft(), 0);
});

test('an OPEN that can never be sent fails at the deadline and not later', async (t) => {
  const world = new World({ memory: { ampleMs: 0.001, shortMs: 1e9, kernel: 1, atomic: 0 } });
  await world.run(async () => {
    const server = world.endpoint(100);
    server.serve(ID, {});
    const client = world.endpoint(200);
    await world.sleep(1); // memory is short from now on
    const before = world.clock.now();
    const error = await failure(client.connect(ID, { peer: 100, timeoutMs: 100 }));
    t.is(error.code, 'deadline-exceeded');
    t.is(error.outcome, 'not-sent');
    t.true(world.clock.now() - before <= 101);
    client.destroy();
    server.destroy();
  });
});

test('a session that only its client has given up does not keep the client out', async (t) => {
  const world = new World({ faults: LINK });
  await world.run(async () => {
    const server = world.endpoint(100, { sessionsPerPeerMax: 1 });
    server.serve(ID, { ping: () => 'pong' });
    const client = world.endpoint(200, { silenceMs: 500 });
    const connection = await client.connect(ID, { peer: 100 });
    t.is(await connection.call('ping'), 'pong');
    await world.sleep(10); // all is acknowledged
    world.network.partition(200, 100);
    t.is((await failure(connection.call('ping'))).code, 'peer-lost');
    world.network.heal(200, 100);
    t.is(await connection.call('ping'), 'pong');
    await client.close();
    await server.close();
  });
});
