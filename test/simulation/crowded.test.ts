import test from 'ava';
import { until } from './load.ts';
import { openPair } from './pair.ts';
import { ID, World } from './world.ts';
import type { Connection, Endpoint } from '../../index.ts';

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
