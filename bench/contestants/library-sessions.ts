import type { Client, Place, Server } from './contestant.ts';
import { BENCH_ID, load, tablesOf } from './library.ts';
import type { Connection } from '../../sessions/connection.ts';

/** More than any scenario opens; the usual limits are 4,096, and 16 of one peer. */
const SESSIONS_MAX = 2 ** 17;
const limits = {
  sessionsMax: SESSIONS_MAX,
  sessionsPerPeerMax: SESSIONS_MAX,
  waitMs: 60_000, // a machine that has other work may take long for all that is in flight
};
const options = { timeoutMs: 600_000 };
/** Opened at the same time. A server keeps 64 offers for a peer; more would displace each other. */
const OPENING = 32;
/**
 * Sessions of one endpoint: a server looks at all those of a peer when that opens another. All
 * endpoints are there from the start, because each has 4 MiB for what it receives.
 */
const PER_ENDPOINT = 8_192;
const ENDPOINTS = SESSIONS_MAX / PER_ENDPOINT;

/** Answers echo calls of many sessions. */
export async function serve(place: Place): Promise<Server> {
  const { createEndpoint, openNetlink } = await load(place);
  const endpoint = createEndpoint({ transport: openNetlink({ portid: place.portid }), limits });
  endpoint.serve(BENCH_ID, { echo: (input) => input });
  return { tables: () => tablesOf(endpoint) };
}

/** Holds sessions, each of which has made a call, and calls in each in turn. */
export async function connect(place: Place): Promise<Client> {
  const { createEndpoint, openNetlink } = await load(place);
  const endpoints = Array.from({ length: ENDPOINTS }, () =>
    createEndpoint({ transport: openNetlink(), limits }));
  const connections: Connection[] = [];
  const payload = new Uint8Array(64);
  let begun = 0;
  const openUpTo = async (count: number): Promise<void> => {
    while (begun < count) {
      const endpoint = endpoints[Math.floor(begun++ / PER_ENDPOINT)]!;
      const connection = await endpoint.connect(BENCH_ID, { peer: place.portid });
      await connection.call('echo', payload);
      connections.push(connection);
    }
  };
  let turn = 0;
  return {
    fill: async (count) => {
      await Promise.all(Array.from({ length: OPENING }, () => openUpTo(count)));
    },
    echo: (bytes) => {
      turn = (turn + 1) % connections.length;
      return connections[turn]!.call('echo', bytes, options);
    },
  };
}
