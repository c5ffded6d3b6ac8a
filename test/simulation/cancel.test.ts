import test from 'ava';
import { carries, openPair, type Pair } from './pair.ts';
import { deferred, ID } from './world.ts';
import { LITTLE_ENDIAN, Slab } from '../../core/slab.ts';
import { cnMsgFlags, cnMsgLength } from '../../transport/wire/cnmsg.ts';
import * as frame from '../../transport/wire/frame.ts';

// What P6.7 says of CANCEL, told with datagrams that come late, or not as they should.

const ROUND_TRIP_MS = 2;

function sleep({ clock }: Pair, ms: number): Promise<void> {
  return new Promise((resolve) => clock.at(clock.now() + ms, resolve));
}

/** Where the first message behind the envelope begins. */
function firstMessage(slab: Slab): number {
  return frame.ENVELOPE + cnMsgLength(slab, frame.ENVELOPE_CN);
}

test('P6.7: CANCEL reaches the handler in the time of one way', async (t) => {
  const pair = openPair({ roundTripMs: ROUND_TRIP_MS });
  const { clock, client, server } = pair;
  const aborted = deferred<number>();
  server.serve(ID, {
    hang: (_input, { signal }) => {
      signal.addEventListener('abort', () => aborted.resolve(clock.now()));
      return new Promise(() => {});
    },
  });
  await clock.run((async () => {
    const connection = await client.connect(ID, { peer: 100 });
    const controller = new AbortController();
    const call = connection.call('hang', 1, { signal: controller.signal });
    await sleep(pair, 2 * ROUND_TRIP_MS);
    const start = clock.now();
    controller.abort();
    await t.throwsAsync(call);
    const after = (await aborted.promise) - start;
    t.true(after < 0.75 * ROUND_TRIP_MS, `after ${after} ms`);
    client.destroy();
    server.destroy();
  })());
});

test('P6.7: a request that comes after its CANCEL is not executed', async (t) => {
  const pair = openPair({ roundTripMs: ROUND_TRIP_MS, fifo: false });
  const { clock, client, server, toServer } = pair;
  const ran: unknown[] = [];
  server.serve(ID, { note: (input) => ran.push(input) });
  await clock.run((async () => {
    const connection = await client.connect(ID, { peer: 100 });
    await connection.call('note', 'first');
    const controller = new AbortController();
    toServer.loses = (kinds) => kinds.includes(frame.REQUEST);
    const call = connection.call('note', 'late', { signal: controller.signal });
    await sleep(pair, 0.1);
    toServer.loses = () => false;
    const held = toServer.posted.find(({ lost }) => lost)!;
    controller.abort();
    await t.throwsAsync(call);
    await sleep(pair, ROUND_TRIP_MS);
    toServer.deliver(held.bytes, 100);
    await sleep(pair, ROUND_TRIP_MS);
    await connection.call('note', 'next');
    t.deepEqual(ran, ['first', 'next']);
    t.is(server.stats().duplicateRequests, 1, 'the request is known, and not wanted');
    await client.close();
    await server.close();
  })());
});

test('P6.7: a CANCEL with another ack than its request takes nothing back', async (t) => {
  const pair = openPair({ roundTripMs: ROUND_TRIP_MS });
  const { clock, client, server, toServer } = pair;
  let aborts = 0;
  server.serve(ID, {
    hang: (_input, { signal }) => {
      signal.addEventListener('abort', () => (aborts += 1));
      return new Promise(() => {});
    },
  });
  await clock.run((async () => {
    const connection = await client.connect(ID, { peer: 100 });
    const controller = new AbortController();
    const call = connection.call('hang', 1, { signal: controller.signal });
    await sleep(pair, 2 * ROUND_TRIP_MS);
    toServer.loses = (kinds) => kinds.includes(frame.CANCEL);
    controller.abort();
    await t.throwsAsync(call);
    await sleep(pair, 0.1);
    const bytes = toServer.posted.find(carries(frame.CANCEL))!.bytes.slice();
    const forged = new Slab(bytes);
    const at = firstMessage(forged);
    t.is(cnMsgFlags(forged, at), frame.CANCEL);
    const ack = forged.view.getUint32(at + 12, LITTLE_ENDIAN);
    forged.view.setUint32(at + 12, ack ^ 1, LITTLE_ENDIAN);
    toServer.deliver(bytes, 100);
    await sleep(pair, ROUND_TRIP_MS);
    t.is(server.stats().datagramsReceived > 0 && aborts, 0);
    client.destroy();
    server.destroy();
  })());
});

test('P6.6: a handler is told of its deadline, also where no CANCEL can come', async (t) => {
  const pair = openPair({ roundTripMs: ROUND_TRIP_MS });
  const { clock, network, client, server } = pair;
  const aborted = deferred<number>();
  server.serve(ID, {
    hang: (_input, { signal }) => {
      signal.addEventListener('abort', () => aborted.resolve(clock.now()));
      return new Promise(() => {});
    },
  });
  await clock.run((async () => {
    const connection = await client.connect(ID, { peer: 100 });
    const start = clock.now();
    const call = connection.call('hang', 1, { timeoutMs: 20 });
    await sleep(pair, ROUND_TRIP_MS);
    network.partition(200, 100);
    await t.throwsAsync(call);
    const after = (await aborted.promise) - start;
    t.true(after >= 20 && after < 24, `after ${after} ms`);
    client.destroy();
    server.destroy();
  })());
});
