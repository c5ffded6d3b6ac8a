import test from 'ava';
import { deferred, ID, World } from './world.ts';
import { isConnectorError, type Endpoint } from '../../index.ts';

// Peers that send values and leave them unfinished, each as much as it is let, keep no other from
// sending one (P9.8).

const LINK = { delayMs: { min: 0.1, max: 0.1 } };
const KIB = 1024;

/** What a call came to: its value, or the code of its error. */
function result(call: Promise<unknown>): Promise<unknown> {
  return call.catch((error: unknown) => (isConnectorError(error) ? error.code : error));
}

for (const hoarders of [1, 12]) {
  test(`P9.8: ${hoarders} who fill the room for values leave an honest one its part`, async (t) => {
    const world = new World({ faults: LINK });
    await world.run(async () => {
      const gate = deferred();
      const flowCostMax = KIB * KIB;
      const server = world.endpoint(100, { flowCostMax });
      server.serve(ID, {
        hold: () => gate.promise,
        size: (input) => (input as Uint8Array).length,
      });
      const greedy: Endpoint[] = [];
      const held: Promise<unknown>[] = [];
      // A little at a time: a flow that is too much gives back all that it holds.
      const values = async function* (): AsyncGenerator<Uint8Array> {
        yield new Uint8Array(2 * KIB);
        await gate.promise;
      };
      for (let index = 0; index < hoarders; index++) {
        const client = world.endpoint(200 + index);
        greedy.push(client);
        const connection = await client.connect(ID, { peer: 100 });
        for (let call = 0; call < 260; call++) {
          held.push(result(connection.call('hold', undefined, { requests: values() })));
        }
        await world.sleep(50); // each takes all that those before it left
      }
      t.true(server.stats().flowCostHeld > flowCostMax / 3);
      const modest = await world.endpoint(100_000).connect(ID, { peer: 100 });
      for (let call = 0; call < 20; call++) {
        t.is(await result(modest.call('size', new Uint8Array(64 * KIB))), 64 * KIB);
        t.true(server.stats().flowCostHeld <= flowCostMax);
        await world.sleep(10);
      }
      gate.resolve();
      await Promise.all(held);
      await world.sleep(50);
      t.is(server.stats().flowCostHeld, 0);
      for (const client of greedy) client.destroy();
      await modest.close();
      server.destroy();
    });
  });
}

test('P9.8: what came for the taker of a stream that has ended is not pushed out', async (t) => {
  const world = new World({ faults: LINK });
  await world.run(async () => {
    const client = world.endpoint(200, { flowCostMax: 68 * KIB, creditMax: 16 * KIB });
    const six = async function* (): AsyncGenerator<Uint8Array> {
      for (let value = 0; value < 6; value++) yield new Uint8Array(2 * KIB);
    };
    /** Begins streams: of each one value is taken, if it came, and five are held. */
    const begin = async (address: number, count: number) => {
      world.endpoint(address).serve(ID, { six });
      const connection = await client.connect(ID, { peer: address });
      const streams = Array.from({ length: count }, () => connection.stream('six'));
      const firsts: unknown[] = [];
      for (const values of streams) firsts.push(await result(values.next()));
      await world.sleep(20);
      return { streams, refused: firsts.filter((first) => first === 'busy').length };
    };
    const { streams, refused } = await begin(100, 3);
    t.is(refused, 0);
    t.is(client.stats().flowCostHeld, 3 * 5 * (2 * KIB + 64));
    // Less than an equal part, and all the same there is nobody who could make room for it.
    t.is((await begin(101, 2)).refused, 1);
    for (const values of streams) {
      let came = 1;
      for await (const value of values) came += (value as Uint8Array).length / (2 * KIB);
      t.is(came, 6);
    }
    client.destroy();
  });
});
