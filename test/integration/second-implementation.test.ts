// A second implementation of the protocol, in Python and from docs/PROTOCOL.md alone, talks to this
// one through the kernel; either side is client, over a good and over a bad network.
import { setImmediate } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import { createEndpoint } from '../../index.ts';
import { openNetlink, portidOf } from '../../transport/netlink/netlink.ts';
import {
  ascends,
  bad,
  type Id,
  interop,
  noComplaints,
  seeds,
  startPeer,
  sum,
} from './peers/session-peer.ts';

async function pythonCalls(t: ExecutionContext, id: Id, args: string[]): Promise<void> {
  const [sessions, calls] = [2, 150];
  const server = createEndpoint({ transport: openNetlink({ portid: portidOf(id) }) });
  t.teardown(() => server.close());
  const runs = new Map<string, number>();
  const order = new Map<string, number[]>();
  server.serve(id, {
    echo(input) {
      const value = input as { session: number; channel: number; n?: number } | undefined;
      const key =
        input instanceof Uint8Array ? Buffer.from(input).toString('hex') : JSON.stringify(input);
      if (key !== undefined) runs.set(key, (runs.get(key) ?? 0) + 1);
      if (value?.n !== undefined && value.channel > 0) {
        const channel = `${value.session}/${value.channel}`;
        order.set(channel, [...(order.get(channel) ?? []), value.n]);
      }
      return input;
    },
    fail() {
      throw new Error('as you wish');
    },
  });

  const peer = startPeer(
    t,
    id,
    ...['client', '--to', String(portidOf(id)), '--sessions', String(sessions)],
    ...['--calls', String(calls), ...args],
  );
  const report = await peer.report;
  // A CLOSE may still lie in the queue: let the event loop turn.
  for (let turns = 0; server.stats().sessions > 0 && turns < 1_000; turns += 1) {
    await setImmediate();
  }
  const stats = server.stats();

  t.deepEqual(report.wrong, []);
  const { 'echo 0': echoed = 0, 'given up': givenUp = 0, ...others } = report.done;
  t.is(echoed + givenUp, sessions * (calls + 1));
  t.deepEqual(others, { 'fail 1': sessions, 'absent 2': sessions });
  t.deepEqual(
    [...runs].filter(([, times]) => times > 1),
    [],
  );
  t.true(runs.size >= echoed - sessions && runs.size <= sessions * calls);
  t.is(order.size, sessions * 3);
  for (const numbers of order.values()) t.true(ascends(numbers), String(numbers));
  t.is(sum(report.ended), sessions);
  t.is(report.sessions, 0);
  t.is(stats.sessions, 0);
  noComplaints(t, stats.dropped, report);
}

interface Ways {
  readonly args?: string[];
  /** Every fifth call gets so little time that some are given up. */
  readonly hurry?: boolean;
  /** The Python side closes, while this one would go on. */
  readonly peerCloses?: boolean;
}

async function pythonServes(t: ExecutionContext, id: Id, ways: Ways): Promise<void> {
  const calls = 240;
  const peer = startPeer(t, id, 'server', '--portid', String(portidOf(id)), ...(ways.args ?? []));
  await peer.ready;
  const client = createEndpoint({ transport: openNetlink() });
  t.teardown(() => client.close());
  const connection = await client.connect(id);

  let givenUp = 0;
  const one = async (n: number): Promise<void> => {
    const bytes = new Uint8Array(n * 3).map((_, at) => at + n);
    const value = n % 3 === 0 ? bytes : { n, text: 'grün ✓ '.repeat(n % 70) };
    const hurried = ways.hurry === true && n % 5 === 0;
    const options = { timeoutMs: hurried ? 1 + (n % 3) : 10_000 };
    const channel = n % 4 === 0 ? {} : { channel: `channel ${n % 4}` };
    try {
      t.deepEqual(await connection.call('echo', value, { ...options, ...channel }), value);
    } catch (error) {
      if (!hurried) throw error;
      t.like(error, { code: 'deadline-exceeded' });
      givenUp += 1;
    }
  };
  await Promise.all(Array.from({ length: calls }, (_, n) => one(n)));
  const failed = await t.throwsAsync(connection.call('fail', null));
  t.like(failed, { code: 'application', outcome: 'executed' });
  t.regex(failed?.message ?? '', /as you wish/);
  const absent = await t.throwsAsync(connection.call('absent', null));
  t.like(absent, { code: 'unimplemented', outcome: 'not-executed' });

  if (ways.peerCloses !== true) await client.close();
  peer.child.kill('SIGTERM');
  const report = await peer.report;
  await client.close();
  const stats = client.stats();

  t.is(report.repeated, 0);
  t.true(report.executions <= calls + 1 && report.executions >= calls + 1 - givenUp);
  for (const channel of ['1', '2', '3']) {
    const numbers = (report.order[channel] ?? []).filter((n) => n !== null);
    t.true(ascends(numbers), String(numbers));
    if (ways.hurry !== true) t.is(numbers.length, calls / 6);
  }
  if (ways.hurry === true) t.log(`${givenUp} calls were given up`);
  t.is(sum(report.ended), 1);
  t.is(report.sessions, 0);
  t.is(stats.sessions, 0);
  t.is(stats.sessionsOpened, 1);
  noComplaints(t, stats.dropped, report);
}

interop('a Python client calls over a good network', (t, id) => pythonCalls(t, id, []));
interop('a Python client gives calls up', (t, id) => pythonCalls(t, id, ['--cancel', '0.2']));
for (const seed of seeds) {
  const args = [...bad(seed), ...(seed === 3 ? ['--cancel', '0.2'] : [])];
  interop(`a Python client calls over a bad network, seed ${seed}`, (t, id) =>
    pythonCalls(t, id, args),
  );
}

interop('a Python server is called over a good network', (t, id) => pythonServes(t, id, {}));
interop('a Python server closes first', (t, id) => pythonServes(t, id, { peerCloses: true }));
for (const seed of seeds) {
  interop(`a Python server is called over a bad network, seed ${seed}`, (t, id) =>
    pythonServes(t, id, { args: bad(seed) }),
  );
}
interop('calls to a Python server are given up', (t, id) =>
  pythonServes(t, id, { args: bad(4), hurry: true }),
);
