import test from 'ava';
import { deferred, ID, World } from './world.ts';
import { ConnectorError } from '../../index.ts';

test('P7.3: a side that closes does not wait for a peer that cannot be reached', async (t) => {
  const world = new World({ faults: { delayMs: { min: 0.5, max: 0.5 } } });
  await world.run(async () => {
    const server = world.endpoint(100);
    server.serve(ID, { ping: () => 'pong' });
    const client = world.endpoint(200);
    const connection = await client.connect(ID, { peer: 100 });
    t.is(await connection.call('ping'), 'pong');
    await world.sleep(50);
    world.network.partition(200, 100);
    const start = world.clock.now();
    await client.close();
    const took = world.clock.now() - start;
    // Four probes, of a few round trips each, and not the minute of `silenceMs`.
    t.true(took < 50, `closed after ${took} ms`);
    server.destroy();
  });
});

test('P5.11: a peer that is gone while a handler runs is missed within the silence', async (t) => {
  const world = new World({ faults: { delayMs: { min: 0.5, max: 0.5 } } });
  await world.run(async () => {
    const started = deferred();
    const server = world.endpoint(100);
    server.serve(ID, {
      hang: () => {
        started.resolve();
        return new Promise(() => {});
      },
    });
    const client = world.endpoint(200, { silenceMs: 900 });
    const connection = await client.connect(ID, { peer: 100 });
    const call = connection.call('hang');
    await started.promise;
    await world.sleep(5_000); // it is there, and says so when it is asked
    world.network.partition(100, 200);
    const start = world.clock.now();
    const error = await t.throwsAsync(call, { instanceOf: ConnectorError });
    t.is(error.code, 'peer-lost');
    const took = world.clock.now() - start;
    t.true(took < 1_500, `after ${took} ms`);
    client.destroy();
    server.destroy();
  });
});

test('P4.7: what a server ran in a session that it lost is not repeated', async (t) => {
  const world = new World({ faults: { delayMs: { min: 0.5, max: 0.5 } } });
  await world.run(async () => {
    let executions = 0;
    const server = world.endpoint(100, { silenceMs: 200 });
    server.serve(ID, { count: () => (executions += 1) });
    const client = world.endpoint(200);
    const connection = await client.connect(ID, { peer: 100 });
    world.network.partition(100, 200);
    const call = connection.call('count');
    await world.sleep(500); // the server gives up the session in which nobody took its reply
    t.is(server.stats().sessionsLost, 1);
    world.network.heal(100, 200);
    const error = await t.throwsAsync(call, { instanceOf: ConnectorError });
    t.is(error.outcome, 'unknown');
    t.is(executions, 1);
    client.destroy();
    server.destroy();
  });
});
