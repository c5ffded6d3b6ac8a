import test from 'ava';
import { fickle } from './fickle.ts';
import { openPair } from './pair.ts';
import { ID, World } from './world.ts';
import { LITTLE_ENDIAN, Slab } from '../../core/slab.ts';
import * as frame from '../../transport/wire/frame.ts';

test('a peer that opens sessions only to reset them is asked ever more slowly', async (t) => {
  const world = new World({ faults: { delayMs: { min: 0.5, max: 0.5 } } });
  await world.run(async () => {
    const peer = fickle(world, 100);
    const client = world.endpoint(200);
    const connection = await client.connect(ID, { peer: 100 });
    await t.throwsAsync(connection.call('ping', 1, { timeoutMs: 5_000 }));
    t.true(peer.opened >= 3 && peer.opened <= 25, `${peer.opened} times in 5 s`);
    client.destroy();
  });
});

for (const [what, at, least] of [
  ['window', frame.OPEN_WINDOW, 64], ['credit', frame.OPEN_CREDIT, 4096],
] as const) {
  test(`P4.3: an OPEN with a ${what} too small is dropped`, async (t) => {
    const { clock, client, server, toServer } = openPair({ roundTripMs: 1 });
    server.serve(ID, { ping: () => 'pong' });
    await clock.run((async () => {
      await client.connect(ID, { peer: 100 });
      const bytes = toServer.posted[0]!.bytes.slice();
      const { view } = new Slab(bytes);
      for (const [value, malformed] of [[least, 0], [least - 1, 1]] as const) {
        view.setUint32(at, value, LITTLE_ENDIAN);
        view.setUint32(frame.AT_SOURCE, value, LITTLE_ENDIAN); // another session
        toServer.deliver(bytes, 100);
        await new Promise<void>((resolve) => clock.at(clock.now() + 2, resolve));
        t.is(server.stats().dropped.malformed, malformed, `a ${what} of ${value}`);
      }
      client.destroy();
      server.destroy();
    })());
  });
}
