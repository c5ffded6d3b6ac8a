import type { Client, Place, Server } from './contestant.ts';
import { BENCH_ID, load, tablesOf } from './library.ts';

/**
 * The usual limits refuse as busy what has waited for 10 s to be sent or to run; a machine that has
 * other work may take longer for 100,000. Nothing else has to be raised for so many.
 */
const limits = { waitMs: 60_000 };
const options = { timeoutMs: 600_000 };

/** Bytes of the payload of each call that is held. */
export const HELD_PAYLOAD = 64;

/** Echoes, and holds calls until the process ends. */
export async function serve(place: Place): Promise<Server> {
  const { createEndpoint, openNetlink } = await load(place);
  const endpoint = createEndpoint({ transport: openNetlink({ portid: place.portid }), limits });
  const never = new Promise<undefined>(() => {});
  let held = 0;
  endpoint.serve(BENCH_ID, {
    echo: (input) => input,
    hold: () => {
      held += 1;
      return never;
    },
    held: () => held,
  });
  return { tables: () => tablesOf(endpoint) };
}

/** Makes calls over one session, any number at the same time. */
export async function connect(place: Place): Promise<Client> {
  const { createEndpoint, openNetlink } = await load(place);
  const endpoint = createEndpoint({ transport: openNetlink(), limits });
  const connection = await endpoint.connect(BENCH_ID, { peer: place.portid });
  const payload = new Uint8Array(HELD_PAYLOAD).fill(7);
  let made = 0;
  return {
    echo: (bytes) => connection.call('echo', bytes, options),
    fill: async (count) => {
      for (; made < count; made++) void connection.call('hold', payload, options);
      // The answer comes after all that ran before it, but those that were lost run later.
      while (((await connection.call('held', null, options)) as number) < count);
    },
    tables: () => tablesOf(endpoint),
  };
}
