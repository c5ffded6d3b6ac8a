import test from 'ava';
import { ID, World } from './world.ts';

// Who made a call hears how it ended when that is known, and at the latest one tick of a
// millisecond after its deadline. Calls that wait to be sent come to an end while others are sent.

const WAY_MS = 20;

function slowWorld(): World {
  return new World({ faults: { delayMs: { min: WAY_MS, max: WAY_MS } } });
}

test('a call that waits and finds no channel free is told so when its turn comes', async (t) => {
  const world = slowWorld();
  await world.run(async () => {
    world.endpoint(100).serve(ID, { echo: (input) => input });
    const client = world.endpoint(200, { channelsMax: 1, packedMax: 1024 });
    const connection = await client.connect(ID, { peer: 100 });
    await world.sleep(100);
    const first = connection.call('echo', new Uint8Array(2000), { channel: 'a' });
    const madeAt = world.clock.now();
    await t.throwsAsync(connection.call('echo', 1, { channel: 'b' }), { code: 'busy' });
    t.is(world.clock.now(), madeAt);
    await first;
  });
});

test('a call shorter than a tick ends with the first tick after its deadline', async (t) => {
  const world = slowWorld();
  await world.run(async () => {
    world.endpoint(100).serve(ID, { echo: (input) => input });
    const connection = await world.endpoint(200).connect(ID, { peer: 100 });
    await world.sleep(100);
    const madeAt = world.clock.now();
    const call = connection.call('echo', 1, { timeoutMs: 0.1 });
    await t.throwsAsync(call, { code: 'deadline-exceeded' });
    t.true(world.clock.now() - madeAt <= 1.1, `after ${world.clock.now() - madeAt} ms`);
  });
});

test('a call that waited to be sent has all of its time once it is', async (t) => {
  const world = slowWorld();
  await world.run(async () => {
    world.endpoint(100).serve(ID, { echo: (input) => input });
    const client = world.endpoint(200, { packedMax: 1024 });
    const connection = await client.connect(ID, { peer: 100 });
    const calls = Array.from({ length: 3 }, () =>
      connection.call('echo', new Uint8Array(2000), { timeoutMs: 3 * WAY_MS }));
    t.is((await Promise.all(calls)).length, 3); // each waits for the one before to be packed
  });
});
