import test from 'ava';
import { carries, openPair } from './pair.ts';
import { deferred, ID } from './world.ts';
import { createEndpoint, SeededRandom } from '../../index.ts';
import { LITTLE_ENDIAN, Slab } from '../../core/slab.ts';
import * as frame from '../../transport/wire/frame.ts';

// What a receiver grants and says of its queue, and what a sender makes of a full one (P5.6, P5.9).

test('P5.9: the receive queue is shared by those that talk', async (t) => {
  const serverBuffer = 200_000;
  const { clock, network, client, server, toClient } = openPair({ roundTripMs: 1, serverBuffer });
  server.serve(ID, { echo: (input) => input });
  await clock.run((async () => {
    const others = [201, 202, 203].map((address) =>
      createEndpoint({ transport: network.open({ address }), clock, random: new SeededRandom(1) }));
    for (const each of [client, ...others]) {
      const connection = await each.connect(ID, { peer: 100 });
      await connection.call('echo', 1);
    }
    const last = new Slab(toClient.posted.filter(carries(frame.DATA)).at(-1)!.bytes);
    t.is(last.view.getUint32(frame.DATA_GRANT, LITTLE_ENDIAN), serverBuffer / 4);
    for (const each of [client, ...others, server]) each.destroy();
  })());
});

test('P5.9: what a full queue refused is tried again before a probe would be due', async (t) => {
  const { clock, client, server, toServer } = openPair({ roundTripMs: 4 });
  server.serve(ID, { echo: (input) => input });
  await clock.run((async () => {
    const connection = await client.connect(ID, { peer: 100 });
    for (let call = 0; call < 40; call++) await connection.call('echo', 1);
    let refused = 0;
    toServer.refuses = (kinds) => kinds.includes(frame.REQUEST) && (refused += 1) === 1;
    const start = clock.now();
    await connection.call('echo', 2);
    const took = clock.now() - start;
    t.true(took > 4 && took < 6, `a quarter of a round trip later: ${took} ms`);
    client.destroy();
    server.destroy();
  })());
});

test('P5.6: a receiver that overran acknowledges at once what it has', async (t) => {
  const options = { roundTripMs: 40, serverBuffer: 32_768 };
  const { clock, network, client, server, toClient } = openPair(options);
  const gate = deferred();
  server.serve(ID, { wait: () => gate.promise });
  await clock.run((async () => {
    const connection = await client.connect(ID, { peer: 100 });
    const stranger = network.open({ address: 300 });
    stranger.start({ receive() {}, overrun() {}, received() {}, failed() {} });
    const call = connection.call('wait');
    await new Promise<void>((resolve) => clock.at(clock.now() + 0.01, resolve));
    for (let count = 0; count < 6; count++) {
      stranger.send(new Slab(new Uint8Array(8_000)), 0, 8_000, 100);
    }
    const before = toClient.posted.length;
    await new Promise<void>((resolve) => clock.at(clock.now() + 30, resolve));
    t.is(toClient.overruns.length, 1);
    t.is(toClient.posted[before]?.at, toClient.overruns[0], 'not 5 ms later');
    gate.resolve();
    await call;
    stranger.close();
    client.destroy();
    server.destroy();
  })());
});
