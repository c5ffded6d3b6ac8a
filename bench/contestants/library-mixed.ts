import type { Client, Deed, Place, Server } from './contestant.ts';
import { BENCH_ID, load, tablesOf } from './library.ts';
import { isConnectorError, type ErrorCode } from '../../core/errors.ts';

const VALUES = 8;
const LONG = new Uint8Array(200_000).fill(7);

/** Answers everything that a session can do. */
export async function serve(place: Place): Promise<Server> {
  const { createEndpoint, openNetlink } = await load(place);
  const endpoint = createEndpoint({ transport: openNetlink({ portid: place.portid }) });
  endpoint.serve(BENCH_ID, {
    echo: (input) => input,
    note: () => undefined,
    fail: () => {
      throw new Error('as asked');
    },
    wait: (_input, { signal }) =>
      new Promise((resolve) => signal.addEventListener('abort', () => resolve(null))),
    rows: async function* (input) {
      for (let index = 0; index < VALUES; index++) yield input;
    },
    collect: async (_input, { requests }) => {
      let count = 0;
      for await (const _value of requests) count += 1;
      return count;
    },
  });
  return { tables: () => tablesOf(endpoint) };
}

/** Does one thing after the other, over one lasting session and over some that end at once. */
export async function connect(place: Place): Promise<Client> {
  const { createEndpoint, openNetlink } = await load(place);
  const endpoint = createEndpoint({ transport: openNetlink() });
  const peer = place.portid;
  const connection = await endpoint.connect(BENCH_ID, { peer });
  const brief: Deed = async (payload) => {
    const other = await endpoint.connect(BENCH_ID, { peer });
    await other.call('echo', payload);
    await other.close();
  };
  const rows: Deed = async (payload) => {
    for await (const _value of connection.stream('rows', payload));
  };
  const cut: Deed = async (payload) => {
    for await (const _value of connection.stream('rows', payload)) break;
  };
  const aborted: Deed = (payload) => {
    const aborting = new AbortController();
    const call = connection.call('wait', payload, { signal: aborting.signal });
    setImmediate(() => aborting.abort());
    return failing('cancelled', call);
  };
  // The handler hears of the deadline as well, and what it answers then may come in time.
  const late: Deed = (payload) =>
    connection.call('wait', payload, { timeoutMs: 20 }).catch(() => undefined);
  const short: readonly Deed[] = [
    (payload) => connection.call('echo', payload),
    (payload) => connection.call('echo', payload, { channel: 'one' }),
    (payload) => connection.send('note', payload),
    () => connection.call('echo', { some: ['json', 1, null] }),
  ];
  const rare: readonly Deed[] = [
    rows, cut, aborted, late, brief,
    () => connection.call('echo', LONG),
    (payload) => connection.call('collect', null, { requests: Array(VALUES).fill(payload) }),
    () => failing('application', connection.call('fail')),
    () => failing('unimplemented', connection.call('nobody')),
  ];
  const deeds = rare.flatMap((deed) => [...short, ...short, ...short, ...short, deed]);
  let turn = 0;
  return {
    mixed: (payload) => {
      turn = (turn + 1) % deeds.length;
      return deeds[turn]!(payload);
    },
    tables: () => tablesOf(endpoint),
  };
}

/** Expects a call to fail with this code. */
async function failing(code: ErrorCode, call: Promise<unknown>): Promise<void> {
  const error: unknown = await call.then(() => undefined, (reason: unknown) => reason);
  if (!isConnectorError(error, code)) throw new Error(`not ${code}`, { cause: error });
}
