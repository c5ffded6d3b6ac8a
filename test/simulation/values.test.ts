import test from 'ava';
import { carries, openPair } from './pair.ts';
import { ID, World } from './world.ts';
import { ConnectorError, SeededRandom } from '../../index.ts';
import * as frame from '../../transport/wire/frame.ts';

const ROUGH = {
  delayMs: { min: 0, max: 2 },
  loss: 0.1,
  duplicate: 0.1,
  reorder: 0.2,
  corrupt: 0.02,
};

function noise(length: number, seed: number): Uint8Array {
  const random = new SeededRandom(seed);
  return Uint8Array.from({ length }, () => random.integer(0, 255));
}

test('values of any length come back as they went, over rough links (P9.1, P9.3)', async (t) => {
  for (let seed = 1; seed <= 6; seed++) {
    const world = new World({ faults: ROUGH, seed });
    await world.run(async () => {
      const server = world.endpoint(100);
      let ran = 0;
      server.serve(ID, {
        echo: (input) => {
          ran += 1;
          return input;
        },
      });
      const client = world.endpoint(200);
      const connection = await client.connect(ID, { peer: 100 });
      const lengths = [0, 1, 61_440, 61_441, 70_000, 300_000, 1 << 20];
      const sent = lengths.map((length, index) => noise(length, seed + index));
      const got = await Promise.all(sent.map((bytes) => connection.call('echo', bytes)));
      got.forEach((bytes, index) => {
        const same = Buffer.compare(bytes as Uint8Array, sent[index]!) === 0;
        t.true(same, `seed ${seed}: ${lengths[index]} bytes`);
      });
      t.is(ran, lengths.length);
      const text = 'x'.repeat(200_000);
      t.is(await connection.call('echo', text), text);
      await client.close();
      await server.close();
    });
    t.is(await world.timersLeft(), 0);
  }
});

test('16 MiB arrive, and one byte more is refused before anything is sent (P9.2)', async (t) => {
  const world = new World();
  await world.run(async () => {
    const server = world.endpoint(100);
    server.serve(ID, {
      last: (input) => (input as Uint8Array).at(-1),
      make: (input) => new Uint8Array(Number(input)).fill(7),
    });
    const client = world.endpoint(200);
    const connection = await client.connect(ID, { peer: 100 });
    const longest = new Uint8Array(16 << 20).fill(9);
    t.is(await connection.call('last', longest), 9);
    const made = (await connection.call('make', 16 << 20)) as Uint8Array;
    t.is(made.length, 16 << 20);
    t.true(made.every((byte) => byte === 7));
    const error = await t.throwsAsync(connection.call('make', (16 << 20) + 1), {
      instanceOf: ConnectorError,
    });
    t.is(error.code, 'application', 'its handler ran: the reply was too long');
    const over = connection.call('last', new Uint8Array((16 << 20) + 1));
    t.like(await t.throwsAsync(over), { code: 'too-big', outcome: 'not-sent' });
    await world.sleep(100);
    t.is(server.stats().requestsHeld, 0);
    await client.close();
    await server.close();
  });
});

test('the shorter of two agreed lengths counts (P9.2)', async (t) => {
  const world = new World();
  await world.run(async () => {
    const server = world.endpoint(100, { valueMax: 100_000 });
    server.serve(ID, { length: (input) => (input as Uint8Array).length });
    const client = world.endpoint(200);
    const connection = await client.connect(ID, { peer: 100 });
    t.is(await connection.call('length', new Uint8Array(100_000)), 100_000);
    const over = connection.call('length', new Uint8Array(100_001));
    t.like(await t.throwsAsync(over), { code: 'too-big', outcome: 'not-sent' });
    await client.close();
    await server.close();
  });
});

test('a long value given up half-way takes its pieces with it, at both ends (P9.7)', async (t) => {
  const world = new World({ faults: { delayMs: { min: 1, max: 1 } } });
  await world.run(async () => {
    const server = world.endpoint(100);
    let ran = 0;
    server.serve(ID, {
      take: () => {
        ran += 1;
      },
      make: () => new Uint8Array(8 << 20),
    });
    const client = world.endpoint(200);
    const connection = await client.connect(ID, { peer: 100 });
    for (const channel of [undefined, 'c']) {
      const options = { timeoutMs: 7, ...(channel === undefined ? {} : { channel }) };
      const up = connection.call('take', new Uint8Array(8 << 20), options);
      t.like(await t.throwsAsync(up), { code: 'deadline-exceeded' });
      const down = connection.call('make', undefined, options);
      t.like(await t.throwsAsync(down), { code: 'deadline-exceeded' });
      await world.sleep(100);
      for (const endpoint of [client, server]) {
        t.like(endpoint.stats(), { requestsHeld: 0, flowCostHeld: 0, repliesKept: 0 });
      }
      t.is(await connection.call('take', 1, options), undefined, 'the channel is free again');
    }
    t.is(ran, 2);
    await client.close();
    await server.close();
  });
  t.is(await world.timersLeft(), 0);
});

test('pieces that were lost are not sent again once nobody wants them (P9.7)', async (t) => {
  const { clock, client, server, toServer } = openPair({ roundTripMs: 1 });
  server.serve(ID, { take: () => undefined });
  await clock.run((async () => {
    const connection = await client.connect(ID, { peer: 100 });
    const isPiece = carries(frame.REQUEST_PIECE);
    toServer.loses = (kinds) => kinds.includes(frame.REQUEST_PIECE);
    const call = connection.call('take', new Uint8Array(200_000), { timeoutMs: 1 });
    t.like(await t.throwsAsync(call), { code: 'deadline-exceeded' });
    toServer.loses = () => false;
    const sent = toServer.posted.filter(isPiece).length;
    t.true(sent > 0);
    await new Promise<void>((resolve) => clock.at(clock.now() + 5_000, resolve));
    t.is(toServer.posted.filter(isPiece).length, sent);
    t.is(await connection.call('take', 1), undefined, 'and the session goes on');
    await client.close();
    await server.close();
  })());
});

test('values that do not fit what an endpoint may hold are refused as busy (P9.8)', async (t) => {
  const world = new World();
  await world.run(async () => {
    const server = world.endpoint(100, { flowCostMax: 2 << 20 });
    server.serve(ID, { take: () => 'taken' });
    const client = world.endpoint(200);
    const connection = await client.connect(ID, { peer: 100 });
    const calls = Array.from({ length: 4 }, () => {
      return connection.call('take', new Uint8Array(900_000)).catch((error: unknown) => error);
    });
    const ends = await Promise.all(calls);
    t.true(ends.includes('taken'));
    for (const end of ends.filter((one) => one !== 'taken')) {
      t.like(end, { code: 'busy', outcome: 'not-executed' });
    }
    t.true(ends.some((end) => end !== 'taken'));
    t.is(server.stats().flowCostHeld, 0);
    await client.close();
    await server.close();
  });
});

test('a long reply that does not fit the reply cache is evicted, and that is said', async (t) => {
  const world = new World();
  await world.run(async () => {
    const server = world.endpoint(100, { replyBytesMax: 1_500_000 });
    server.serve(ID, { make: () => new Uint8Array(1_000_000) });
    const client = world.endpoint(200);
    const connection = await client.connect(ID, { peer: 100 });
    const calls = Array.from({ length: 3 }, () => {
      return connection.call('make').catch((error: unknown) => error);
    });
    const ends = await Promise.all(calls);
    t.true(ends.some((end) => end instanceof Uint8Array && end.length === 1_000_000));
    for (const end of ends.filter((one) => !(one instanceof Uint8Array))) {
      t.like(end, { code: 'reply-evicted', outcome: 'executed' });
    }
    await client.close();
    await server.close();
  });
});

test('small calls do not wait behind a long value', async (t) => {
  const world = new World({ faults: { delayMs: { min: 1, max: 1 } } });
  await world.run(async () => {
    const server = world.endpoint(100);
    server.serve(ID, { take: () => undefined, quick: () => 'quick' });
    const client = world.endpoint(200);
    const connection = await client.connect(ID, { peer: 100 });
    const long = connection.call('take', new Uint8Array(16 << 20));
    await world.sleep(10);
    const begun = world.clock.now();
    t.is(await connection.call('quick'), 'quick');
    t.true(world.clock.now() - begun < 5, `${world.clock.now() - begun} ms`);
    await long;
    await client.close();
    await server.close();
  });
});
