import test from 'ava';
import { openPair } from './pair.ts';
import { ID } from './world.ts';
import * as frame from '../../transport/wire/frame.ts';

const WINDOW = 64;

test('P6.3: no request goes further than the window beyond one that was lost', async (t) => {
  const pair = openPair({ roundTripMs: 1, limits: { seqWindow: WINDOW } });
  const { clock, client, server, toServer } = pair;
  server.serve(ID, { size: (input) => (input as Uint8Array).length });
  await clock.run((async () => {
    const connection = await client.connect(ID, { peer: 100 });
    await connection.call('size', new Uint8Array(1));
    let lost = 0;
    toServer.loses = (kinds) => kinds.includes(frame.REQUEST) && (lost += 1) === 1;
    // The first one fills a datagram, so that it is lost alone; the others are close behind.
    const sizes = [16_000, ...new Array<number>(3 * WINDOW).fill(4)];
    const start = clock.now();
    const calls = sizes.map((size) => connection.call('size', new Uint8Array(size)));
    t.deepEqual(await Promise.all(calls), sizes);
    // What the server finds beyond its window is dropped although it was acknowledged.
    t.true(clock.now() - start < 20, `all answered after ${clock.now() - start} ms`);
    await client.close();
    await server.close();
  })());
});
