import test from 'ava';
import { ID, World } from './world.ts';

test('no more handlers of a service run at a time than it allows (P6.11)', async (t) => {
  const world = new World();
  await world.run(async () => {
    const server = world.endpoint(100);
    let [running, most] = [0, 0];
    const work = async (): Promise<void> => {
      most = Math.max(most, (running += 1));
      await world.sleep(1);
      running -= 1;
    };
    server.serve(ID, { work }, { concurrency: 3 });
    const client = world.endpoint(200);
    const connection = await client.connect(ID, { peer: 100 });
    await Promise.all(Array.from({ length: 20 }, () => connection.call('work')));
    t.is(most, 3);
    await client.close();
    await server.close();
  });
});

test('what waits too long for a handler is refused while none ends (P6.11)', async (t) => {
  const world = new World();
  await world.run(async () => {
    const server = world.endpoint(100);
    server.serve(ID, { work: () => world.sleep(500) }, { concurrency: 1, waitMs: 50 });
    const client = world.endpoint(200);
    const connection = await client.connect(ID, { peer: 100 });
    const first = connection.call('work');
    const since = world.clock.now();
    await t.throwsAsync(connection.call('work'), { code: 'busy' });
    const waited = world.clock.now() - since;
    t.true(waited >= 50 && waited < 60, `${waited} ms`);
    await first;
    await client.close();
    await server.close();
  });
});

test('what has to wait lets go of the memory that it shares (core/copies.ts)', async (t) => {
  const world = new World();
  await world.run(async () => {
    const server = world.endpoint(100);
    const sizes = new Map<string, number[]>();
    const work = async (input: unknown, { method }: { method: string }): Promise<void> => {
      const { buffer } = input as Uint8Array;
      sizes.set(method, [...(sizes.get(method) ?? []), buffer.byteLength]);
      await world.sleep(1);
    };
    server.serve(ID, { few: work }, { concurrency: 1 });
    const other = { idx: ID.idx, val: ID.val + 1 };
    server.serve(other, { ordered: work });
    const client = world.endpoint(200);
    const [few, ordered] = await Promise.all([
      client.connect(ID, { peer: 100 }),
      client.connect(other, { peer: 100 }),
    ]);
    const bytes = new Uint8Array(100);
    await Promise.all([1, 2, 3].map(() => few.call('few', bytes)));
    await Promise.all([1, 2, 3].map(() => ordered.call('ordered', bytes, { channel: 'c' })));
    t.deepEqual(sizes.get('few'), [8_192, 100, 100]);
    t.deepEqual(sizes.get('ordered'), [8_192, 100, 100]);
    await client.close();
    await server.close();
  });
});
