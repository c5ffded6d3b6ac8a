import test from 'ava';
import { until } from './load.ts';
import { openPair } from './pair.ts';
import { ID, World } from './world.ts';
import type { Connection, Endpoint } from '../../index.ts';
import * as frame from '../../transport/wire/frame.ts';

// Many sessions of one process with one peer share its receive queue (P5.9).

const SESSIONS = 300;
const limits = { sessionsPerPeerMax: SESSIONS };

function connections(client: Endpoint): Promise<Connection[]> {
  return Promise.all(Array.from({ length: SESSIONS }, () => client.connect(ID, { peer: 100 })));
}

test('P5.9: a full queue is asked by one of 300 sessions, and none of them starves', async (t) => {
  const world = new World();
  await world.run(async () => {
    const server = world.endpoint(100, limits, 16_384);
    server.serve(ID, { echo: (input) => input });
    const client = world.endpoint(200, limits, 16_384);
    const all = await connections(client);
    const before = client.stats();
    const done = all.map(() => 0);
    const payload = new Uint8Array(64);
    let calls = 0;
    let behind = 0;
    const line = async (connection: Connection, index: number): Promise<void> => {
      while (calls < 40 * SESSIONS) {
        calls += 1;
        await connection.call('echo', payload);
        done[index]! += 1;
        behind = Math.max(behind, done[index]! - Math.min(...done));
      }
    };
    const lines = all.flatMap((connection, index) =>
      Array.from({ length: 8 }, () => line(connection, index)));
    await Promise.all(lines);
    const after = client.stats();
    const busy = (after.sendBusy - before.sendBusy + server.stats().sendBusy) / calls;
    const sent = (after.requestsSent - before.requestsSent) / calls;
    t.is(sent, 1);
    t.true(busy < 0.1, `${busy} refusals for each call`);
    t.true(behind <= 16, `one has had ${behind} replies more than another`);
    client.destroy();
    server.destroy();
  });
});

test('P5.11: sessions behind a queue that stays full are given up together', async (t) => {
  const silenceMs = 1_000;
  const { clock, client, server, toServer } = openPair({
    roundTripMs: 1, limits: { ...limits, silenceMs },
  });
  server.serve(ID, { echo: (input) => input });
  await clock.run((async () => {
    const all = await connections(client);
    toServer.refuses = () => true;
    const start = clock.now();
    const calls = all.map((connection) => connection.call('echo', 1, { timeoutMs: 2_000 }));
    const ended = Promise.allSettled(calls);
    await until(clock, start + silenceMs - 1);
    const { sessionsLost, sendBusy } = client.stats();
    t.is(sessionsLost, 0);
    t.true(sendBusy < 100, `asked ${sendBusy} times`);
    await until(clock, start + silenceMs * 1.5);
    t.is(client.stats().sessionsLost, SESSIONS);
    await ended;
    client.destroy();
    server.destroy();
  })());
});

const silenceMs = 20_000;
const UNSENT = { timeoutMs: 10_000 };

test('a session that waits for others to send is closed in time', async (t) => {
  const { clock, client, server, toServer, toClient } = openPair({
    roundTripMs: 1, limits: { silenceMs },
  });
  server.serve(ID, { echo: (input) => input });
  await clock.run((async () => {
    const [asker, other] = await twoThatTalked(client);
    await until(clock, clock.now() + 100);
    toClient.loses = () => true;
    const start = clock.now();
    const closed = other.close(); // its CLOSE is not acknowledged
    await until(clock, start + 0.5);
    toServer.refuses = () => true;
    const call = t.throwsAsync(asker.call('echo', 2, UNSENT));
    await closed;
    const took = clock.now() - start;
    t.true(took < 500, `closed after ${took} ms`);
    client.destroy();
    server.destroy();
    await call;
  })());
});

test('who is refused for want of memory holds nobody up', async (t) => {
  const { clock, client, server, toServer } = openPair({ roundTripMs: 1, limits: { silenceMs } });
  server.serve(ID, { echo: (input) => input });
  await clock.run((async () => {
    const [asker, other] = await twoThatTalked(client);
    await until(clock, clock.now() + 100);
    toServer.refuses = () => true;
    const call = t.throwsAsync(asker.call('echo', new Uint8Array(8_000), UNSENT));
    await until(clock, clock.now() + 2);
    const send = toServer.send.bind(toServer);
    toServer.send = (slab, start, end, peer) =>
      end - start > 4_000 ? 'no-memory' : send(slab, start, end, peer);
    toServer.refuses = () => false;
    await until(clock, clock.now() + 5);
    const start = clock.now();
    await other.call('echo', 3);
    t.true(clock.now() - start < 2, `after ${clock.now() - start} ms`);
    client.destroy();
    server.destroy();
    await call;
  })());
});

test('P5.11: a young session has its own time, however long the queue is full', async (t) => {
  const { clock, client, server, toServer } = openPair({ roundTripMs: 1, limits: { silenceMs } });
  server.serve(ID, { echo: (input) => input });
  await clock.run((async () => {
    const [asker] = await twoThatTalked(client);
    await until(clock, clock.now() + 100);
    toServer.refuses = (kinds) => kinds[0] === frame.DATA;
    const start = clock.now();
    const first = t.throwsAsync(asker.call('echo', 2, { timeoutMs: 30_000 }));
    await until(clock, start + silenceMs - 1_000);
    const young = await client.connect(ID, { peer: 100 });
    const second = t.throwsAsync(young.call('echo', 2, { timeoutMs: 30_000 }));
    await until(clock, start + silenceMs + 4_000);
    t.is(client.stats().sessionsLost, 1);
    client.destroy();
    server.destroy();
    await Promise.all([first, second]);
  })());
});

async function twoThatTalked(client: Endpoint): Promise<[Connection, Connection]> {
  const both = [await client.connect(ID, { peer: 100 }), await client.connect(ID, { peer: 100 })];
  for (const each of both) await each.call('echo', 1);
  return both as [Connection, Connection];
}
