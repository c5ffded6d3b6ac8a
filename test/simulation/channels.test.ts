import test from 'ava';
import { deferred, ID, World } from './world.ts';
import { ConnectorError } from '../../index.ts';

const ROUGH = {
  delayMs: { min: 0, max: 3 },
  loss: 0.2,
  duplicate: 0.1,
  reorder: 0.2,
  corrupt: 0.02,
};

test('a channel is first in, first out, and one at a time (P7.1)', async (t) => {
  for (let seed = 1; seed <= 20; seed++) {
    const world = new World({ faults: ROUGH, seed });
    await world.run(async () => {
      const order: Record<string, number[]> = {};
      let running = 0;
      const server = world.endpoint(100);
      server.serve(ID, {
        append: async (input) => {
          const { channel, index } = input as { channel: string; index: number };
          running += 1;
          (order[channel] ??= []).push(index);
          const alone = running;
          await world.sleep(0.3);
          running -= 1;
          return alone;
        },
      });
      const client = world.endpoint(200);
      const connection = await client.connect(ID, { peer: 100 });
      const calls: Promise<unknown>[] = [];
      for (let index = 0; index < 60; index++) {
        for (const channel of ['a', 'b']) {
          calls.push(connection.call('append', { channel, index }, { channel }));
        }
      }
      const together = await Promise.all(calls);
      const expected = Array.from({ length: 60 }, (_value, index) => index);
      t.deepEqual(order, { a: expected, b: expected }, `seed ${seed}`);
      t.true(
        together.every((count) => Number(count) <= 2),
        'one of each channel at a time',
      );
      await client.close();
      await server.close();
    });
    t.is(await world.timersLeft(), 0);
  }
});

test('a handler that hangs holds up its own channel and no other call', async (t) => {
  const world = new World({ faults: { delayMs: { min: 0.5, max: 0.5 } } });
  await world.run(async () => {
    const gate = deferred();
    const server = world.endpoint(100);
    const ran: string[] = [];
    server.serve(ID, {
      hang: async () => {
        await gate.promise;
      },
      note: (input) => ran.push(String(input)),
    });
    const client = world.endpoint(200);
    const connection = await client.connect(ID, { peer: 100 });
    const hang = connection.call('hang', undefined, { channel: 'a' });
    const behind = connection.call('note', 'behind', { channel: 'a' });
    await connection.call('note', 'other', { channel: 'b' });
    await connection.call('note', 'none');
    t.deepEqual(ran, ['other', 'none']);
    gate.resolve();
    await Promise.all([hang, behind]);
    t.deepEqual(ran, ['other', 'none', 'behind']);
    await client.close();
    await server.close();
  });
});

test('calls taken back leave no hole in their channel', async (t) => {
  for (let seed = 1; seed <= 20; seed++) {
    const world = new World({ faults: ROUGH, seed });
    await world.run(async () => {
      const server = world.endpoint(100);
      const ran: number[] = [];
      server.serve(ID, { note: (input) => ran.push(Number(input)) });
      const client = world.endpoint(200);
      const connection = await client.connect(ID, { peer: 100 });
      const done: number[] = [];
      const notSent: number[] = [];
      const calls = Array.from({ length: 100 }, async (_value, index) => {
        // Every third call is given up at once, before it can have been sent, or soon after.
        const timeoutMs = index % 3 === 0 ? index % 7 : 30_000;
        try {
          await connection.call('note', index, { channel: 'a', timeoutMs });
          done.push(index);
        } catch (error) {
          if ((error as ConnectorError).outcome === 'not-sent') notSent.push(index);
        }
      });
      await Promise.all(calls);
      await client.close();
      await server.close();
      t.deepEqual(
        ran,
        [...ran].sort((left, right) => left - right),
        `in order, seed ${seed}`,
      );
      t.is(new Set(ran).size, ran.length, 'nothing ran twice');
      for (const index of done) t.true(ran.includes(index), `${index} was told as done`);
      for (const index of notSent) t.false(ran.includes(index), `${index} was told as not sent`);
      for (let index = 0; index < 100; index++) {
        if (index % 3 !== 0) t.true(ran.includes(index), `${index} ran`);
      }
    });
    t.is(await world.timersLeft(), 0);
  }
});

test('channel names may come and go without bound; calls open in too many are busy', async (t) => {
  const world = new World();
  await world.run(async () => {
    const server = world.endpoint(100, { channelsMax: 4 });
    server.serve(ID, { echo: (input) => input });
    const client = world.endpoint(200, { channelsMax: 4 });
    const connection = await client.connect(ID, { peer: 100 });
    for (let index = 0; index < 50; index++) {
      t.is(await connection.call('echo', index, { channel: `name ${index}` }), index);
    }
    const calls = [0, 1, 2, 3].map((index) => {
      return connection.call('echo', index, { channel: `name ${index}` });
    });
    const error = await t.throwsAsync(connection.call('echo', 4, { channel: 'one more' }), {
      instanceOf: ConnectorError,
    });
    t.is(error.code, 'busy');
    t.is(error.outcome, 'not-sent');
    t.deepEqual(await Promise.all(calls), [0, 1, 2, 3]);
    await client.close();
    await server.close();
  });
});
