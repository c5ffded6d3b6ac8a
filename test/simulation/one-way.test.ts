import test from 'ava';
import { deferred, ID, World } from './world.ts';

const ROUGH = {
  delayMs: { min: 0, max: 2 },
  loss: 0.15,
  duplicate: 0.1,
  reorder: 0.2,
  corrupt: 0.02,
};

test('a message resolves when the peer has it, and runs once (P6.10)', async (t) => {
  for (let seed = 1; seed <= 10; seed++) {
    const world = new World({ faults: ROUGH, seed });
    await world.run(async () => {
      const ran = new Map<unknown, number>();
      const gate = deferred();
      const server = world.endpoint(100);
      server.serve(ID, {
        note: async (input) => {
          const key = input instanceof Uint8Array ? input.length : input;
          ran.set(key, (ran.get(key) ?? 0) + 1);
          await gate.promise; // no handler is waited for
        },
      });
      const client = world.endpoint(200);
      const connection = await client.connect(ID, { peer: 100 });
      const sends = Array.from({ length: 100 }, (_value, index) => connection.send('note', index));
      sends.push(connection.send('note', new Uint8Array(200_000)));
      await Promise.all(sends);
      await world.sleep(1);
      t.is(ran.size, 101, `seed ${seed}`);
      t.true([...ran.values()].every((times) => times === 1));
      t.is(server.stats().requestsHeld, 101, 'they run');
      gate.resolve();
      await world.sleep(1000);
      t.is(server.stats().requestsHeld, 0);
      await client.close();
      await server.close();
    });
    t.is(await world.timersLeft(), 0, `seed ${seed}`);
  }
});

test('messages and calls of one channel keep their order', async (t) => {
  for (let seed = 1; seed <= 10; seed++) {
    const world = new World({ faults: ROUGH, seed });
    await world.run(async () => {
      const order: unknown[] = [];
      const server = world.endpoint(100);
      server.serve(ID, {
        note: async (input) => {
          await world.sleep(0.2);
          order.push(input);
        },
      });
      const client = world.endpoint(200);
      const connection = await client.connect(ID, { peer: 100 });
      const made: Promise<unknown>[] = [];
      for (let index = 0; index < 60; index++) {
        const how = index % 3 === 0 ? 'call' : 'send';
        made.push(connection[how]('note', index, { channel: 'c' }));
      }
      await Promise.all(made);
      await connection.call('note', 60, { channel: 'c' });
      t.deepEqual(
        order,
        Array.from({ length: 61 }, (_value, index) => index),
        `seed ${seed}`,
      );
      await client.close();
      await server.close();
    });
  }
});

test('a message that is not accepted says why, and did not run', async (t) => {
  const world = new World();
  await world.run(async () => {
    const gate = deferred();
    const server = world.endpoint(100, { requestsMax: 1 });
    const serving = server.serve(ID, { hold: () => gate.promise });
    const client = world.endpoint(200);
    const connection = await client.connect(ID, { peer: 100 });
    const none = { outcome: 'not-executed' };
    t.like(await t.throwsAsync(connection.send('other')), { code: 'unimplemented', ...none });
    await connection.send('hold');
    t.like(await t.throwsAsync(connection.send('hold')), { code: 'busy', ...none });
    const closing = serving.close();
    t.like(await t.throwsAsync(connection.send('hold')), { code: 'closed', ...none });
    gate.resolve();
    await closing;
    await client.close();
    await server.close();
  });
});

test('what was accepted runs although its sender is gone, and a close waits for it', async (t) => {
  const world = new World({ faults: { delayMs: { min: 1, max: 1 } } });
  await world.run(async () => {
    const ran: string[] = [];
    const server = world.endpoint(100);
    server.serve(ID, {
      slow: async (input) => {
        await world.sleep(50);
        ran.push(String(input));
      },
    });
    const leaver = world.endpoint(200);
    const connection = await leaver.connect(ID, { peer: 100 });
    await Promise.all(
      ['a', 'b', 'c'].map((name) => connection.send('slow', name, { channel: 'x' })),
    );
    await leaver.close();
    const victim = world.endpoint(201);
    const other = await victim.connect(ID, { peer: 100 });
    await Promise.all(['d', 'e'].map((name) => other.send('slow', name, { channel: 'x' })));
    victim.destroy();
    await server.close();
    t.deepEqual(
      ran.filter((name) => 'abc'.includes(name)),
      ['a', 'b', 'c'],
    );
    t.deepEqual(
      ran.filter((name) => 'de'.includes(name)),
      ['d', 'e'],
    );
  });
  t.is(await world.timersLeft(), 0);
});

test('a handler of a message that fails is counted: nobody else hears of it', async (t) => {
  const world = new World();
  await world.run(async () => {
    const server = world.endpoint(100);
    server.serve(ID, {
      fail: () => {
        throw new Error('unheard');
      },
    });
    const client = world.endpoint(200);
    const connection = await client.connect(ID, { peer: 100 });
    await connection.send('fail');
    t.is(server.stats().unheardFailures, 1);
    await client.close();
    await server.close();
  });
});

test('a channel keeps its order when its messages are sent one by one (P7.1, P7.2)', async (t) => {
  const world = new World({ faults: { delayMs: { min: 1, max: 1 } } });
  await world.run(async () => {
    const order: unknown[] = [];
    const server = world.endpoint(100);
    server.serve(ID, {
      note: async (input) => {
        await world.sleep(Number(input) === 0 ? 50 : 1);
        order.push(input);
      },
    });
    const client = world.endpoint(200);
    const connection = await client.connect(ID, { peer: 100 });
    for (let index = 0; index < 3; index++) {
      await connection.send('note', index, { channel: 'c' }); // accepted: the first still runs
    }
    await connection.call('note', 3, { channel: 'c' });
    t.deepEqual(order, [0, 1, 2, 3]);
    await client.close();
    await server.close();
  });
});

test('a busy channel of messages holds up no other name (P7.2)', async (t) => {
  const world = new World({ faults: { delayMs: { min: 1, max: 1 } } });
  await world.run(async () => {
    const gate = deferred();
    const server = world.endpoint(100);
    server.serve(ID, { hold: () => gate.promise, quick: () => 'quick' });
    const client = world.endpoint(200, { channelsMax: 2 });
    const connection = await client.connect(ID, { peer: 100 });
    await connection.send('hold', 0, { channel: 'held' });
    for (const channel of ['a', 'b', 'c']) {
      t.is(await connection.call('quick', 0, { channel, timeoutMs: 100 }), 'quick');
    }
    gate.resolve();
    await client.close();
    await server.close();
  });
});

test('a service that waits for what was accepted is closed when its endpoint is', async (t) => {
  const world = new World();
  await world.run(async () => {
    const server = world.endpoint(100);
    const serving = server.serve(ID, { hang: () => new Promise(() => {}) });
    const client = world.endpoint(200);
    const connection = await client.connect(ID, { peer: 100 });
    await connection.send('hang');
    const closed = serving.close();
    await client.close();
    await world.sleep(10);
    server.destroy();
    await closed; // nothing else happens any more: virtual time says so if this hangs
    t.is(server.stats().requestsHeld, 0);
  });
});

test('messages behind an accepted one all run when their sender is gone (P6.10)', async (t) => {
  const world = new World({ faults: { delayMs: { min: 1, max: 1 } } });
  await world.run(async () => {
    const gate = deferred();
    const ran: unknown[] = [];
    const server = world.endpoint(100);
    server.serve(ID, { hold: () => gate.promise, note: (input) => ran.push(input) });
    const client = world.endpoint(200);
    const connection = await client.connect(ID, { peer: 100 });
    await connection.send('hold', 0, { channel: 'c' });
    for (let index = 0; index < 5; index++) await connection.send('note', index, { channel: 'c' });
    await client.close();
    gate.resolve();
    await server.close();
    t.deepEqual(ran, [0, 1, 2, 3, 4]); // handlers that end at once: each frees the next
  });
});
