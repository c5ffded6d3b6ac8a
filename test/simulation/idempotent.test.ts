import test from 'ava';
import { openPair } from './pair.ts';
import { ID, World } from './world.ts';
import * as frame from '../../transport/wire/frame.ts';

const LINK = { delayMs: { min: 0.5, max: 0.5 } };

test('an idempotent call runs once in each process of its server, no more (P6.9)', async (t) => {
  for (const restarted of [false, true]) {
    const world = new World({ faults: LINK });
    await world.run(async () => {
      let ran = 0;
      const handlers = {
        count: async () => {
          ran += 1;
          await world.sleep(150);
          return ran;
        },
      };
      const server = world.endpoint(100, { silenceMs: 300 });
      server.serve(ID, handlers);
      const client = world.endpoint(200, { silenceMs: 100 });
      const connection = await client.connect(ID, { peer: 100, waitForReady: true });
      const options = { idempotent: true, timeoutMs: 5000 };
      const call = connection.call('count', 1, options);
      await world.sleep(20);
      // The session is lost by silence while the call runs.
      world.network.partition(100, 200);
      world.network.partition(200, 100);
      await world.sleep(400);
      if (restarted) server.destroy();
      const again = restarted ? world.endpoint(100) : server;
      if (restarted) again.serve(ID, handlers);
      world.network.heal(100, 200);
      world.network.heal(200, 100);
      if (restarted) t.is(await call, 2);
      else t.like(await t.throwsAsync(call), { code: 'peer-lost', outcome: 'unknown' });
      t.is(ran, restarted ? 2 : 1);
      t.is(await connection.call('count', 2, options), restarted ? 3 : 2, 'a new call is another');
      await client.close();
      await again.close();
    });
  }
});

test('nor if all that is missing of its reply are pieces (P6.9)', async (t) => {
  const { clock, client, server, toClient } = openPair({
    roundTripMs: 1, fifo: false, limits: { silenceMs: 2_000 },
  });
  let ran = 0;
  server.serve(ID, {
    large: () => {
      ran += 1;
      return new Uint8Array(100_000);
    },
  });
  await clock.run((async () => {
    const connection = await client.connect(ID, { peer: 100 });
    toClient.loses = (kinds) => kinds.includes(frame.REPLY_PIECE) && !kinds.includes(frame.REPLY);
    const call = connection.call('large', 1, { timeoutMs: 30_000, idempotent: true });
    t.like(await t.throwsAsync(call), { code: 'peer-lost', outcome: 'unknown' });
    t.is(ran, 1);
    client.destroy();
    server.destroy();
  })());
});
