import type * as Netlink from '../../transport/netlink/netlink.ts';
import type * as Library from '../../index.ts';
import type { Client, Place, Server, Tables } from './contestant.ts';

/** The connector id that is served. */
export const BENCH_ID = { idx: 20, val: 1 };
const options = { timeoutMs: 5_000 };

/** Answers over netlink with a build of this library. */
export async function serve(place: Place): Promise<Server> {
  const { createEndpoint, openNetlink } = await load(place);
  const endpoint = createEndpoint({ transport: openNetlink({ portid: place.portid }) });
  endpoint.serve(BENCH_ID, {
    echo: (input) => input,
    note: () => undefined,
    rows: (input) => values(input as number),
    collect: async (_input, { requests }) => {
      for await (const _value of requests);
      return null;
    },
  });
  return { tables: () => tablesOf(endpoint) };
}

/** Calls exactly once, with a deadline and a promise each. */
export async function connect(place: Place): Promise<Client> {
  const { createEndpoint, openNetlink } = await load(place);
  const endpoint = createEndpoint({ transport: openNetlink() });
  const connection = await endpoint.connect(BENCH_ID, { peer: place.portid });
  return {
    echo: (payload) => connection.call('echo', payload, options),
    oneWay: (payload) => connection.send('note', payload, options),
    down: (size) => connection.stream('rows', size) as AsyncIterable<Uint8Array>,
    up: (requests) => connection.call('collect', null, { requests, timeoutMs: 60_000 }),
    tables: () => tablesOf(endpoint),
  };
}

/** Imports the library measured, which is not always the one that measures. */
export async function load({ build }: Place): Promise<typeof Library & typeof Netlink> {
  const library = (await import(new URL('index.js', build).href)) as typeof Library;
  const netlink = new URL('transport/netlink/netlink.js', build).href;
  return { ...library, ...((await import(netlink)) as typeof Netlink) };
}

/** The sizes of an endpoint's tables: those of its counters that go up and down. */
export function tablesOf(endpoint: Library.Endpoint): Tables {
  const { sessions, requestsHeld, repliesKept, flowCostHeld, placesHeld, refusalsHeld } =
    endpoint.stats();
  return { sessions, requestsHeld, repliesKept, flowCostHeld, placesHeld, refusalsHeld };
}

async function* values(size: number): AsyncGenerator<Uint8Array> {
  const value = new Uint8Array(size).fill(7);
  for (;;) yield value;
}
