import test from 'ava';
import { ID, World } from './world.ts';

test('calls that go on in the next session keep their order, newer ones follow', async (t) => {
  const world = new World({ faults: { delayMs: { min: 0.5, max: 0.5 } } });
  await world.run(async () => {
    const ran: unknown[] = [];
    const server = world.endpoint(100, { sessionsMax: 1, sessionsPerPeerMax: 1 });
    server.serve(ID, { note: (input) => ran.push(input) });
    const client = world.endpoint(200);
    const connection = await client.connect(ID, { peer: 100 });
    await connection.call('note', 'first');
    await world.sleep(50);
    // Its session gives way to another while it is idle: the calls below find it gone.
    const other = world.endpoint(201);
    await (await other.connect(ID, { peer: 100 })).call('note', 'other');
    await other.close();
    await world.sleep(50);
    const note = (index: number): Promise<unknown> =>
      connection.call('note', index, { channel: 'a' });
    const calls = [0, 1, 2, 3, 4].map(note);
    // These are made while the next session is being opened.
    await world.sleep(1.5);
    calls.push(...[5, 6, 7].map(note));
    await Promise.all(calls);
    t.deepEqual(ran, ['first', 'other', 0, 1, 2, 3, 4, 5, 6, 7]);
    t.is(server.stats().sessionsOpened, 3);
    await client.close();
    await server.close();
  });
});
