import test from 'ava';
import { openPair, type Pair } from './pair.ts';
import { deferred, ID, World } from './world.ts';
import { ConnectorError } from '../../index.ts';
import * as frame from '../../transport/wire/frame.ts';

// A place in a channel is used up by whatever becomes of its request (P7.1, P7.2).

function sleep({ clock }: Pair, ms: number): Promise<void> {
  return new Promise((resolve) => clock.at(clock.now() + ms, resolve));
}

test('P7.2: a request that a full server refuses takes its place, and the next runs', async (t) => {
  const world = new World({ faults: { delayMs: { min: 0.5, max: 0.5 } } });
  await world.run(async () => {
    const gate = deferred();
    const server = world.endpoint(100, { requestsMax: 1 });
    server.serve(ID, { wait: () => gate.promise, echo: (input) => input });
    const client = world.endpoint(200);
    const connection = await client.connect(ID, { peer: 100 });
    const wait = connection.call('wait');
    await world.sleep(5);
    const refused = connection.call('echo', 0, { channel: 'a' });
    const error = await t.throwsAsync(refused, { instanceOf: ConnectorError });
    t.is(error.code, 'busy');
    gate.resolve();
    await wait;
    await world.sleep(50);
    t.is(await connection.call('echo', 1, { channel: 'a', timeoutMs: 1_000 }), 1);
    await client.close();
    await server.close();
  });
});

test('P7.2: requests taken back count as long as their places wait behind a handler', async (t) => {
  const world = new World({ faults: { delayMs: { min: 0.5, max: 0.5 } } });
  await world.run(async () => {
    const gate = deferred();
    const server = world.endpoint(100, { requestsMax: 44 });
    server.serve(ID, { wait: () => gate.promise, echo: (input) => input });
    const client = world.endpoint(200);
    const connection = await client.connect(ID, { peer: 100 });
    const wait = connection.call('wait', undefined, { channel: 'a' });
    let busy = 0;
    for (let call = 0; call < 100; call++) {
      const given = connection.call('echo', call, { channel: 'a', timeoutMs: 2 });
      const error = await t.throwsAsync(given, { instanceOf: ConnectorError });
      if (error.code === 'busy') busy += 1;
      t.true(server.stats().requestsHeld <= 20);
    }
    t.is(busy, 81, 'those that had no place any more');
    t.is(server.stats().requestsHeld, 20);
    gate.resolve();
    await wait;
    await world.sleep(50);
    t.is(server.stats().requestsHeld, 0);
    t.is(await connection.call('echo', 'next', { channel: 'a' }), 'next');
    await client.close();
    await server.close();
  });
  t.is(await world.timersLeft(), 0);
});

test('P7.1: a request taken back while it waits for its turn does not run', async (t) => {
  const pair = openPair({ roundTripMs: 1 });
  const { clock, client, server } = pair;
  await clock.run((async () => {
    const gate = deferred();
    const ran: unknown[] = [];
    server.serve(ID, {
      wait: () => gate.promise,
      unwanted: () => ran.push('unwanted'),
      next: () => ran.push('next'),
    });
    const connection = await client.connect(ID, { peer: 100 });
    const wait = connection.call('wait', undefined, { channel: 'a' });
    const controller = new AbortController();
    const options = { channel: 'a', signal: controller.signal };
    const unwanted = connection.call('unwanted', undefined, options);
    const next = connection.call('next', undefined, { channel: 'a' });
    await sleep(pair, 5);
    controller.abort();
    await t.throwsAsync(unwanted);
    await sleep(pair, 5);
    gate.resolve();
    await Promise.all([wait, next]);
    t.deepEqual(ran, ['next']);
    await client.close();
    await server.close();
  })());
});

test('P6.7: CANCEL of a request that never came is answered when its place is free', async (t) => {
  const pair = openPair({ roundTripMs: 1, limits: { channelsMax: 1 } });
  const { clock, client, server, toServer } = pair;
  await clock.run((async () => {
    server.serve(ID, { echo: (input) => input });
    const connection = await client.connect(ID, { peer: 100 });
    await connection.call('echo', 0);
    const controller = new AbortController();
    toServer.loses = (kinds) => kinds.includes(frame.REQUEST);
    const lost = connection.call('echo', 1, { channel: 'a', signal: controller.signal });
    await sleep(pair, 0.1);
    controller.abort();
    await t.throwsAsync(lost);
    toServer.loses = () => false;
    await sleep(pair, 20);
    const other = { channel: 'b', timeoutMs: 1_000 };
    t.is(await connection.call('echo', 2, other), 2, 'the number is free');
    await client.close();
    await server.close();
  })());
});

test('P7.2: a server has room for as many channels as it says, and no more', async (t) => {
  const world = new World({ faults: { delayMs: { min: 0.5, max: 0.5 } } });
  await world.run(async () => {
    const gate = deferred();
    const server = world.endpoint(100, { channelsMax: 2 });
    server.serve(ID, { wait: () => gate.promise, echo: (input) => input });
    const client = world.endpoint(200);
    const connection = await client.connect(ID, { peer: 100 });
    const calls = ['a', 'b'].map((channel) => connection.call('wait', undefined, { channel }));
    const third = connection.call('wait', undefined, { channel: 'c' });
    const error = await t.throwsAsync(third, { instanceOf: ConnectorError });
    t.is(error.code, 'busy');
    t.is(error.outcome, 'not-executed');
    gate.resolve();
    await Promise.all(calls);
    await client.close();
    await server.close();
  });
});

test('P7.2: a handler that goes on after its caller gave up holds up no other name', async (t) => {
  const pair = openPair({ roundTripMs: 1 });
  const { clock, client, server } = pair;
  await clock.run((async () => {
    const gate = deferred();
    server.serve(ID, { wait: () => gate.promise, echo: (input) => input });
    const connection = await client.connect(ID, { peer: 100 });
    const controller = new AbortController();
    const options = { channel: 'a', signal: controller.signal };
    const wait = connection.call('wait', undefined, options);
    await sleep(pair, 5);
    controller.abort();
    await t.throwsAsync(wait);
    await sleep(pair, 5);
    t.is(await connection.call('echo', 1, { channel: 'b', timeoutMs: 1_000 }), 1);
    gate.resolve();
    await client.close();
    await server.close();
  })());
});
