import test from 'ava';
import { openPair } from './pair.ts';
import { Scripted } from './scripted.ts';
import { ID } from './world.ts';
import { createEndpoint, SeededRandom } from '../../index.ts';

// Credit is the taker's word: one that grants much and takes nothing must not fill its sender.

const VALUE = 1_000;
const OWN_CREDIT = 16_384;
const GRANTED = 64 << 20;

test('P9.6: a stream runs no further ahead than its own side would grant', async (t) => {
  const { clock, network, server } = openPair({
    roundTripMs: 1,
    limits: { creditMax: OWN_CREDIT },
  });
  const taker = new Scripted(network.open({ address: 201 }), () => clock.now());
  const limits = { creditMax: GRANTED, flowCostMax: 2 * GRANTED };
  const client = createEndpoint({ transport: taker, clock, random: new SeededRandom(3), limits });
  let made = 0;
  server.serve(ID, {
    async *flood() {
      for (; made < 5_000; made++) yield new Uint8Array(VALUE);
    },
  });
  const wait = (ms: number): Promise<void> =>
    new Promise((resolve) => clock.at(clock.now() + ms, resolve));
  await clock.run(
    (async () => {
      const connection = await client.connect(ID, { peer: 100 });
      const stream = connection.stream('flood');
      const first = stream.next();
      await wait(0.51); // the request is there
      taker.loses = () => true;
      await wait(100);
      t.true(made <= OWN_CREDIT / VALUE + 3, `${made} values were made`);
      taker.loses = () => false;
      await first;
      let taken = 1;
      for await (const value of stream) taken += (value as Uint8Array).length / VALUE;
      t.is(taken, 5_000, 'it goes on as they arrive');
      client.destroy();
      server.destroy();
    })(),
  );
});
