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
