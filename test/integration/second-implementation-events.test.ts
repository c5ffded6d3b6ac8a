// Events between this implementation and the one in Python, through a multicast group (§10).
import type { ExecutionContext } from 'ava';
import {
  createEndpoint,
  type Endpoint,
  type EventItem,
  isConnectorError,
  type Publisher,
  type Subscription,
} from '../../index.ts';
import { openNetlink } from '../../transport/netlink/netlink.ts';
import { bad, type Id, interop, startPeer } from './peers/session-peer.ts';

interface Told {
  readonly published: number;
  readonly asked: number;
  readonly violations: readonly string[];
}

interface Heard {
  readonly received?: number;
  readonly missed?: number;
  readonly wrong?: number;
  readonly answers?: number;
  readonly topics: Record<string, number>;
  readonly ended: boolean;
  readonly last: readonly number[];
  readonly violations: readonly string[];
}

const EVENTS = 200;

/** Declares a test for those who may join groups; the id is in one of the 32. */
function group(title: string, run: (t: ExecutionContext, id: Id) => Promise<void>): void {
  interop(title, async (t, { idx, val }) => {
    const id = { idx: 1 + (idx % 31), val };
    const probe = createEndpoint({ transport: openNetlink() });
    try {
      probe.subscribe(id).close();
    } catch (error) {
      if (!isConnectorError(error, 'refused')) throw error;
      t.log(`skipped: ${error.message}`);
      t.pass();
      return;
    } finally {
      await probe.close();
    }
    await run(t, id);
  });
}

function open(t: ExecutionContext): Endpoint {
  const endpoint = createEndpoint({ transport: openNetlink() });
  t.teardown(() => endpoint.close());
  return endpoint;
}

async function publish(endpoint: Endpoint, id: Id): Promise<Publisher> {
  const publisher = endpoint.publisher(id);
  for (let n = 1; n <= EVENTS; n += 1) {
    await publisher.publish(`topic ${n % 4}`, { n, pad: 'e'.repeat(n % 50) });
  }
  return publisher;
}

/** Takes what comes until `done` says so; gives what was received and what was missed. */
async function follow(
  t: ExecutionContext,
  subscription: Subscription,
  done: (at: number, item: EventItem) => boolean,
): Promise<{ received: number; missed: number }> {
  const seen = { received: 0, missed: 0 };
  for await (const item of subscription) {
    if (item.kind === 'gap') seen.missed += Number(item.missed);
    else {
      seen.received += 1;
      t.is(item.number, seen.received + seen.missed);
      t.is(item.topic, `topic ${item.number % 4}`);
      t.deepEqual(item.value, { n: item.number, pad: 'e'.repeat(item.number % 50) });
    }
    if (done(seen.received + seen.missed, item)) break;
  }
  return seen;
}

for (const [network, args] of [
  ['a good network', [] as string[]],
  ['a bad network', bad(1)],
] as const) {
  group(`a Python subscriber has or misses every event over ${network}`, async (t, id) => {
    const peer = startPeer<Heard>(t, id, 'subscriber', ...args);
    await peer.ready;
    const publisher = await publish(open(t), id);
    await publisher.close();
    const { received = 0, missed = 0, ...report } = await peer.report;
    t.deepEqual(report.violations, []);
    t.is(report.wrong ?? 0, 0);
    t.deepEqual([report.last, report.ended], [[EVENTS], true]);
    t.is(received + missed, EVENTS);
    t.is(missed > 0, args.length > 0);
  });

  group(`events of a Python publisher are had or missed over ${network}`, async (t, id) => {
    const endpoint = open(t);
    const subscription = endpoint.subscribe(id);
    const peer = startPeer<Told>(t, id, 'publisher', '--calls', String(EVENTS), ...args);
    const seen = await follow(t, subscription, (at) => at >= EVENTS);
    t.is(seen.received + seen.missed, EVENTS);
    t.is(seen.missed > 0, args.length > 0);
    const report = await peer.report;
    t.deepEqual(report, { ...report, published: EVENTS, violations: [] });
    const { dropped } = endpoint.stats();
    for (const name of ['malformed', 'bad-number', 'unexpected'] as const) t.is(dropped[name], 0);
  });
}

group(
  'a Python subscriber that goes deaf asks, and is told what it missed (P10.8)',
  async (t, id) => {
    const peer = startPeer<Heard>(t, id, 'subscriber', '--deaf-after', '150');
    await peer.ready;
    await publish(open(t), id);
    const report = await peer.report;
    t.deepEqual(report.violations, []);
    t.deepEqual(report.last, [EVENTS]);
    t.deepEqual([report.received, report.missed, report.answers], [150, 50, 1]);
  },
);

group('a Python publisher that is killed is gone (P10.9, P10.10)', async (t, id) => {
  const endpoint = open(t);
  const subscription = endpoint.subscribe(id);
  const peer = startPeer<Told>(t, id, 'publisher', '--calls', '100000');
  let last: EventItem | undefined;
  await follow(t, subscription, (at, item) => {
    if (at === 50) peer.child.kill('SIGKILL');
    last = item;
    return item.kind === 'gap';
  });
  await t.throwsAsync(peer.report);
  t.like(last, { kind: 'gap', missed: 'unknown', reason: 'gone' });
});
