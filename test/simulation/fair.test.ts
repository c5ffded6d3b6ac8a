import test from 'ava';
import { openPair } from './pair.ts';
import { deferred, ID, World } from './world.ts';
import { createEndpoint, isConnectorError, SeededRandom } from '../../index.ts';

// One who takes all that a server has leaves room for another, who takes little (P3.4).

const LINK = { delayMs: { min: 0.1, max: 0.1 } };

/** What a call came to: its value, or the code of its error. */
function result(call: Promise<unknown>): Promise<unknown> {
  return call.catch((error: unknown) => (isConnectorError(error) ? error.code : error));
}

test('P3.4: requests that one peer holds keep no other from calling', async (t) => {
  for (const limits of [{ requestsMax: 100 }, { requestBytesMax: 100_000 }]) {
    const world = new World({ faults: LINK });
    await world.run(async () => {
      const gate = deferred();
      const server = world.endpoint(100, limits);
      server.serve(ID, { wait: () => gate.promise, size: (input) => (input as Uint8Array).length });
      const greedy = await world.endpoint(200).connect(ID, { peer: 100 });
      const held = Array.from({ length: 200 }, () =>
        result(greedy.call('wait', new Uint8Array(1_000))),
      );
      await world.sleep(20);
      const modest = await world.endpoint(201).connect(ID, { peer: 100 });
      for (let call = 0; call < 50; call++) {
        t.is(await result(modest.call('size', new Uint8Array(1_000))), 1_000);
      }
      await world.sleep(20);
      t.is(server.stats().requestsHeld, 44);
      gate.resolve();
      const results = await Promise.all(held);
      t.is(results.filter((each) => each === 'busy').length, 156);
      await world.sleep(20);
      t.is(server.stats().requestsHeld, 0);
      await Promise.all([greedy.close(), modest.close()]);
      server.destroy();
    });
  }
});

test('P9.8: values that one peer leaves half sent keep no other from sending one', async (t) => {
  const world = new World({ faults: LINK });
  await world.run(async () => {
    const gate = deferred();
    const server = world.endpoint(100, { flowCostMax: 400_000, creditMax: 16_384 });
    server.serve(ID, {
      // It takes none of the further values: each call holds as much as its credit allows.
      hold: () => gate.promise,
      size: (input) => (input as Uint8Array).length,
    });
    const greedy = await world.endpoint(200).connect(ID, { peer: 100 });
    const values = (): Uint8Array[] => Array.from({ length: 30 }, () => new Uint8Array(1_000));
    const held = Array.from({ length: 40 }, () =>
      result(greedy.call('hold', undefined, { requests: values() })),
    );
    await world.sleep(50);
    const most = server.stats().flowCostHeld;
    t.true(most > 150_000 && most <= 200_000, `${most} held`);
    const modest = await world.endpoint(201).connect(ID, { peer: 100 });
    for (let call = 0; call < 10; call++) {
      t.is(await result(modest.call('size', new Uint8Array(80_000))), 80_000);
    }
    gate.resolve();
    await Promise.all(held);
    await world.sleep(50);
    t.is(server.stats().flowCostHeld, 0);
    await Promise.all([greedy.close(), modest.close()]);
    server.destroy();
  });
});

test('P3.4: refusals that one peer does not acknowledge end no session of another', async (t) => {
  const limits = { refusalsMax: 4_000, sessionsMax: 100, sessionsPerPeerMax: 100 };
  const { clock, network, client, server, toServer } = openPair({ roundTripMs: 1, limits });
  server.serve(ID, { echo: (input) => input });
  await clock.run(
    (async () => {
      const deaf = await client.connect(ID, { peer: 100 });
      const transport = network.open({ address: 201 });
      const other = createEndpoint({ transport, clock, random: new SeededRandom(2) });
      const modest = await other.connect(ID, { peer: 100 });
      await deaf.call('echo');
      const refused = Array.from({ length: 3_990 }, () => result(deaf.call('absent')));
      await new Promise<void>((resolve) => clock.at(clock.now() + 0.55, resolve));
      toServer.loses = () => true; // the refusals are under way, and nobody hears of their arrival
      for (let round = 0; round < 5; round++) {
        const calls = Array.from({ length: 30 }, () => result(modest.call('absent')));
        t.deepEqual(new Set(await Promise.all(calls)), new Set(['unimplemented']));
      }
      t.is(server.stats().sessionsLost, 1, 'that of the deaf one');
      client.destroy();
      await Promise.all(refused);
      other.destroy();
      server.destroy();
    })(),
  );
});
