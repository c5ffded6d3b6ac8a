import test from 'ava';
import type { Connection, Endpoint } from '../../index.ts';
import { ID, World } from './world.ts';

const CALLS = 100;

/** Tells a story with a server at 100 and a client at 200. */
async function told(
  story: (server: Endpoint, client: Endpoint, dial: () => Promise<Connection>) => Promise<void>,
): Promise<void> {
  const world = new World();
  await world.run(async () => {
    const server = world.endpoint(100);
    const client = world.endpoint(200);
    await story(server, client, () => client.connect(ID, { peer: 100 }));
    await client.close();
    await server.close();
  });
}

// Copies of up to 64 bytes, of up to 2,048 and longer ones are made in three ways (core/copies.ts).
const LENGTHS = [40, 1_000, 3_000];
const cases = LENGTHS.flatMap((length) =>
  (['Uint8Array', 'Buffer'] as const).map((type) => ({ length, type })));

for (const { length, type } of cases) {
  const kind = `${type} of ${length} bytes`;
  const make = (fill: number): Uint8Array =>
    type === 'Buffer' ? Buffer.alloc(length, fill) : new Uint8Array(length).fill(fill);

  test(`a ${kind} may be used again once it was handed over, sent or waiting`, async (t) => {
    await told(async (server, _client, connect) => {
      server.serve(ID, { sum: (input) => (input as Uint8Array).reduce((a, b) => a + b, 0) });
      const connection = await connect();
      const calls = Array.from({ length: CALLS }, (_, index) => {
        const bytes = make(index);
        const call = connection.call('sum', bytes);
        bytes.fill(0xff);
        return call;
      });
      const sums = await Promise.all(calls);
      t.deepEqual(sums, Array.from({ length: CALLS }, (_, index) => index * length));
    });
  });

  test(`a ${kind} that a handler gives may be used again`, async (t) => {
    await told(async (server, _client, connect) => {
      const bytes = make(0);
      let next = 0;
      server.serve(ID, { give: () => bytes.fill((next += 1)) });
      const connection = await connect();
      const given = Array.from({ length: CALLS }, () => connection.call('give'));
      const firsts = (await Promise.all(given)).map((reply) => (reply as Uint8Array)[length - 1]);
      t.deepEqual(firsts.sort((a, b) => a! - b!), Array.from({ length: CALLS }, (_, i) => i + 1));
    });
  });

  test(`a ${kind} sent to a bare peer may be used again`, async (t) => {
    await told(async (server, client) => {
      const got: number[] = [];
      const done = new Promise<void>((resolve) => {
        server.on(ID, (message) => {
          got.push(message.payload[0]!);
          server.reply(message, make(3));
          resolve();
        });
      });
      const bytes = make(7);
      const request = client.request(ID, 100, bytes);
      bytes.fill(0xff);
      await done;
      t.deepEqual(got, [7]);
      t.is((await request).payload[0], 3);
    });
  });
}
