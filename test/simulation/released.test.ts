import test from 'ava';
import { ID, World } from './world.ts';
import type { Connection, ConnectorError, Limits } from '../../index.ts';

// What a call holds is free again when it is over: with bounds this small, a leak soon shows.

const LINK = { delayMs: { min: 0.5, max: 0.5 } };
const CALLS = 40;

/** Calls one after the other; gives what each came to: its reply, or the code of its error. */
async function outcomes(
  limits: Partial<Limits>,
  one: (connection: Connection, index: number) => Promise<unknown>,
): Promise<unknown[]> {
  const world = new World({ faults: LINK });
  return world.run(async () => {
    const server = world.endpoint(100, limits);
    server.serve(ID, { size: (input) => (input as Uint8Array).length });
    const client = world.endpoint(200, limits);
    const connection = await client.connect(ID, { peer: 100 });
    const results: unknown[] = [];
    for (let index = 0; index < CALLS; index++) {
      const result = one(connection, index);
      results.push(await result.catch((error: unknown) => (error as ConnectorError).code));
    }
    await client.close();
    await server.close();
    return results;
  });
}

const large = (connection: Connection): Promise<unknown> =>
  connection.call('size', new Uint8Array(1_000));

test('the bytes of a request that was answered are not counted any more', async (t) => {
  const results = await outcomes({ requestBytesMax: 5_000 }, large);
  t.deepEqual(results, new Array(CALLS).fill(1_000));
});

test('the bytes of a call that is settled are not counted any more', async (t) => {
  const results = await outcomes({ callBytesPerSessionMax: 5_000 }, large);
  t.deepEqual(results, new Array(CALLS).fill(1_000));
});

test('refusals that were acknowledged are not counted any more', async (t) => {
  const results = await outcomes({ refusalsMax: 8 }, (connection) => connection.call('absent'));
  t.deepEqual(results, new Array(CALLS).fill('unimplemented'));
});

test('refusals that nobody acknowledges end the session of who asks for them', async (t) => {
  const world = new World({ faults: LINK });
  await world.run(async () => {
    const server = world.endpoint(100, { refusalsMax: 8 });
    server.serve(ID, {});
    const client = world.endpoint(200);
    const connection = await client.connect(ID, { peer: 100 });
    // All of them in one turn: none is acknowledged before the last one is refused.
    const calls = Array.from({ length: CALLS }, () => connection.call('absent'));
    await Promise.allSettled(calls);
    t.is(server.stats().sessionsLost > 0, true);
    client.destroy();
    server.destroy();
  });
});

test('the signal of a handler that has finished does not abort at its deadline', async (t) => {
  const world = new World({ faults: LINK });
  await world.run(async () => {
    const server = world.endpoint(100);
    let signal: AbortSignal | undefined;
    server.serve(ID, {
      keep: (_input, context) => {
        signal = context.signal;
      },
    });
    const client = world.endpoint(200);
    const connection = await client.connect(ID, { peer: 100 });
    await connection.call('keep', undefined, { timeoutMs: 20 });
    await world.sleep(100);
    t.is(signal?.aborted, false);
    await client.close();
    await server.close();
  });
});
