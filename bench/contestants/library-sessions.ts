import type { Client, Place, Server } from './contestant.ts';
import { BENCH_ID, load, tablesOf } from './library.ts';
import type { Connection } from '../../sessions/connection.ts';

/** More than any scenario opens; the usual limits are 4,096, 16 of one peer, and 1,024. */
const SESSIONS_MAX = 2 ** 17;
const limits = {
  sessionsMax: SESSIONS_MAX,
  sessionsPerPeerMax: SESSIONS_MAX,
  halfOpenMax: SESSIONS_MAX,
  waitMs: 60_000, // a machine that has other work may take long for all that is in flight
};
const options = { timeoutMs: 600_000 };
/** Sessions that are opened at the same time. */
const OPENING = 256;

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
  const endpoint = createEndpoint({ transport: openNetlink(), limits });
  const connections: Connection[] = [];
  const first = new Uint8Array(64);
  const open = async (count: number): Promise<void> => {
    for (let added = 0; added < count; added++) {
      const connection = await endpoint.connect(BENCH_ID, { peer: place.portid });
      await connection.call('echo', first);
      connections.push(connection);
    }
  };
  let turn = 0;
  return {
    fill: async (count) => {
      const missing = count - connections.length;
      const parts = Math.min(missing, OPENING);
      await Promise.all(Array.from({ length: parts }, (_, part) =>
        open(Math.floor(((part + 1) * missing) / parts) - Math.floor((part * missing) / parts))));
    },
    echo: (payload) => {
      turn = (turn + 1) % connections.length;
      return connections[turn]!.call('echo', payload, options);
    },
    tables: () => tablesOf(endpoint),
  };
}
