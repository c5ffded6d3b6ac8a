import test from 'ava';
import { carries, openPair, SERVICE_MS } from './pair.ts';
import { ID } from './world.ts';
import { Slab } from '../../core/slab.ts';
import * as frame from '../../transport/wire/frame.ts';

// What one loss costs, to the microsecond: the losses are scripted, the link is even.

const PAYLOAD = new Uint8Array(64);
/** Enough for the variation of the round trip to have died away. */
const WARM_UP = 60;

/** The probe time-out of docs/PROTOCOL.md P5.8 on a link whose round trip never varies. */
function probeMs(roundTripMs: number, grainMs: number): number {
  const ackDelayMs = Math.min(Math.max(roundTripMs / 8, grainMs), 25);
  return roundTripMs + grainMs + ackDelayMs;
}

for (const lost of ['request', 'reply'] as const) {
  for (const roundTripMs of [0, 1, 20]) {
    const title = `P5.8: a lost last ${lost} costs one probe and a round trip`;
    test(`${title}, RTT ${roundTripMs} ms`, async (t) => {
      const { clock, client, server, toServer, toClient } = openPair({ roundTripMs });
      const timed = async (call: () => Promise<unknown>): Promise<number> => {
        const start = clock.now();
        await call();
        return clock.now() - start;
      };
      server.serve(ID, { echo: (input) => input });
      await clock.run((async () => {
        const connection = await client.connect(ID, { peer: 100 });
        const echo = (): Promise<unknown> => connection.call('echo', PAYLOAD);
        let unit = 0;
        for (let call = 0; call < WARM_UP; call++) unit = await timed(echo);
        const [way, kind] =
          lost === 'request' ? [toServer, frame.REQUEST] : [toClient, frame.REPLY];
        const before = { requests: toServer.posted.length, replies: toClient.posted.length };
        way.loses = (kinds) => {
          const hit = kinds.includes(kind);
          if (hit) way.loses = () => false;
          return hit;
        };
        const took = await timed(echo);
        const most = probeMs(unit, clock.grainMs) + unit;
        t.true(took > 2 * unit - 0.001, `${took} ms is a probe and a round trip`);
        // The clock's grain: a timer fires on the next tick, and the variation never is 0 exactly.
        t.true(took <= most + 2 * clock.grainMs, `${took} ms, at most ${most}`);
        const requests = toServer.posted.slice(before.requests).filter(carries(frame.REQUEST));
        const replies = toClient.posted.slice(before.replies).filter(carries(frame.REPLY));
        t.is(requests.length, 2, 'one request and one probe');
        // With a request the acknowledgement of the reply before is lost: that goes once more.
        t.is(replies.length, 2, 'one reply, and one that is repeated');
        client.destroy();
        server.destroy();
      })());
    });
  }
}

test('P5.8: the last datagram of several, lost, costs one probe and a round trip', async (t) => {
  const { clock, client, server, toServer } = openPair({ roundTripMs: 1 });
  server.serve(ID, { echo: (input) => input });
  await clock.run((async () => {
    const connection = await client.connect(ID, { peer: 100 });
    const large = new Uint8Array(12_000); // one datagram each
    const start = clock.now();
    await connection.call('echo', large);
    const unit = clock.now() - start;
    for (let call = 0; call < WARM_UP; call++) await connection.call('echo', large);
    const from = clock.now();
    let posted = 0;
    toServer.loses = (kinds) => kinds.includes(frame.REQUEST) && (posted += 1) === 4;
    const times = await Promise.all([1, 2, 3, 4].map(async () => {
      await connection.call('echo', large);
      return clock.now() - from;
    }));
    t.true(Math.max(...times.slice(0, 3)) < 1.5 * unit, 'the others are not held up');
    const most = probeMs(unit, clock.grainMs) + unit;
    t.true(times[3]! <= most + 2 * clock.grainMs, `${times[3]} ms, at most ${most}`);
    client.destroy();
    server.destroy();
  })());
});

for (const fifo of [true, false]) {
  const order = fifo ? 'in order' : 'that may reorder';
  test(`P5.6: repair begins within a round trip of an overrun, on a link ${order}`, async (t) => {
    const roundTripMs = 5;
    const options = { roundTripMs, serverBuffer: 32_768, fifo };
    const { clock, network, client, server, toServer, toClient } = openPair(options);
    server.serve(ID, { echo: (input) => input });
    await clock.run((async () => {
      const connection = await client.connect(ID, { peer: 100 });
      const echo = (length: number): Promise<unknown> =>
        connection.call('echo', new Uint8Array(length));
      for (let call = 0; call < WARM_UP; call++) await echo(64);
      // A stranger fills the server's queue: there is no room for 3,000 bytes, but for 64 there is.
      const stranger = network.open({ address: 300 });
      stranger.start({ receive() {}, overrun() {}, received() {}, failed() {} });
      for (const length of [8_000, 8_000, 8_000, 4_000]) {
        stranger.send(new Slab(new Uint8Array(length)), 0, length, 100);
      }
      const before = toServer.posted.length;
      const large = echo(3_000);
      await new Promise<void>((resolve) => clock.at(clock.now() + SERVICE_MS / 2, resolve));
      await Promise.all([large, echo(64)]);
      t.is(toClient.overruns.length, 1, 'the server is told');
      const requests = toServer.posted.slice(before).filter(carries(frame.REQUEST));
      const [lost, after, again] = requests;
      t.true(lost!.bytes.length > 3_000 && after!.bytes.length < 500, 'two datagrams went');
      t.true(again!.bytes.length > 3_000, 'the larger one went again');
      const repairMs = again!.at - toClient.overruns[0]!;
      t.true(repairMs > 0 && repairMs <= roundTripMs + 2 * SERVICE_MS, `after ${repairMs} ms`);
      client.destroy();
      server.destroy();
      stranger.close();
    })());
  });
}
