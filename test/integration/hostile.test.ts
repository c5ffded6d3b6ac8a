// A peer that means harm attacks an endpoint on the real netlink: with bytes of every wrong kind,
// with sessions that break every rule, from many addresses, while an honest client goes on calling.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setImmediate, setTimeout } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { packageRoot } from '../package-root.ts';
import { createEndpoint, type ConnectorId, type Endpoint } from '../../index.ts';
import { openNetlink } from '../../transport/netlink/netlink.ts';

/** Run by hand, a siege may take longer: milliseconds, and the seeds. */
const SIEGE_MS = Number(process.env['CNRPC_SIEGE_MS'] ?? 4_000);
const SEEDS = (process.env['CNRPC_SIEGE_SEEDS'] ?? '1,2').split(',').map(Number);
/** What the honest client has in flight. */
const LINES = 8;
/** How often the tables are looked at. */
const SAMPLE_MS = 5;
const PER_PEER = 4;
const TIMES = 20;
/** Small enough to be reached, and to be told from what a process grows by anyway. */
const LIMITS = {
  silenceMs: 3_000,
  requestsMax: 20_000,
  requestBytesMax: 16 * 1024 * 1024,
  repliesMax: 20_000,
  replyBytesMax: 16 * 1024 * 1024,
  refusalsMax: 20_000,
  sessionsMax: 200,
};
/** What the process may grow by, MiB: tables, and what the collector has not collected yet. */
const GROWTH_MAX = 400;

interface Report {
  readonly sent: number;
  readonly deeds: Record<string, number>;
  readonly expected: Record<string, number>;
}

interface Hostile {
  readonly child: ChildProcess;
  readonly up: Promise<unknown>;
  readonly report: Promise<Report>;
}

function whyNot(): string | undefined {
  const python = spawnSync('python3', ['-c', 'import sys; sys.exit(sys.version_info < (3, 9))']);
  if (python.status !== 0) return 'no python3 of version 3.9 or later';
  try {
    openNetlink().close();
    return undefined;
  } catch (error) {
    return `no netlink: ${String(error)}`;
  }
}

const reason = whyNot();
let tests = 0;

/** Declares a test that is skipped, with the reason, where it cannot run. */
function siege(title: string, run: (t: ExecutionContext, val: number) => Promise<void>): void {
  test.serial(title, async (t) => {
    t.timeout(60_000 + 10 * SIEGE_MS);
    tests += 1;
    if (reason === undefined) return run(t, process.pid * 64 + tests);
    t.log(`skipped: ${reason}`);
    t.pass();
  });
}

function attack(t: ExecutionContext, ...args: string[]): Hostile {
  const file = join(packageRoot, 'test/integration/peers/hostile_peer.py');
  const child = spawn('python3', ['-B', file, ...args]);
  t.teardown(() => child.kill('SIGKILL'));
  let output = '';
  let errors = '';
  child.stderr.on('data', (text) => (errors += String(text)));
  child.stdout.on('data', (text) => (output += String(text)));
  const report = new Promise<Report>((resolve, reject) => {
    const look = (): void => {
      const last = output.trimEnd().split('\n').at(-1)!;
      if (output.endsWith('\n') && last.startsWith('{')) resolve(JSON.parse(last) as Report);
    };
    child.stdout.on('data', look);
    child.on('close', () => {
      look();
      reject(new Error(`no report: ${output}${errors}`));
    });
  });
  report.catch(() => undefined); // whoever waits for it hears of it
  return { child, up: Promise.race([once(child.stdout, 'data'), report]), report };
}

/** Lets the event loop turn until so many datagrams have come. */
async function drained(server: Endpoint, expected: number): Promise<void> {
  while (server.stats().datagramsReceived < expected) await setImmediate();
}

siege('each wrong datagram is counted under its own reason, and no other', async (t, val) => {
  const id = { idx: 0x484f53, val };
  const limits = { sessionsPerPeerMax: PER_PEER };
  const server = createEndpoint({ transport: openNetlink(), limits });
  t.teardown(() => server.destroy());
  server.serve(id, { hang: () => new Promise(() => undefined) });
  server.serve({ idx: id.idx + 1, val }, {}, { allow: () => false });
  const where = ['--to', String(server.address), '--id', `${id.idx}:${val}`];
  const how = ['--times', String(TIMES), '--per-peer', String(PER_PEER)];
  const { sent, expected } = await attack(t, 'known', ...where, ...how).report;
  const { good = 0, ...wrong } = expected;
  await drained(server, sent);
  const { dropped, datagramsReceived } = server.stats();
  const counted = Object.fromEntries(Object.entries(dropped).filter(([, count]) => count > 0));
  t.deepEqual(counted, wrong);
  t.is(datagramsReceived, sent);
  t.is(datagramsReceived - sumOf(dropped), good);
  t.true(Object.keys(wrong).length >= 14, 'most of the reasons');
});

function sumOf(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

/** The honest client: calls until it is told to stop. Every call must succeed. */
async function honest(
  endpoint: Endpoint,
  id: ConnectorId,
): Promise<{ readonly stop: () => Promise<number> }> {
  const connection = await endpoint.connect(id, { peer: id.val });
  let calls = 0;
  let stopped = false;
  const line = async (): Promise<void> => {
    while (!stopped) {
      const key = `honest ${calls++}`;
      if ((await connection.call('note', key)) !== key) throw new Error(`a wrong reply to ${key}`);
    }
  };
  const lines = Promise.all(Array.from({ length: LINES }, line));
  lines.catch(() => undefined); // thrown by stop
  const stop = async (): Promise<number> => {
    stopped = true;
    await lines;
    await connection.close();
    return calls;
  };
  return { stop };
}

/** Looks at the tables and at the process again and again until `over`; gives the most of each. */
async function highWater(server: Endpoint, over: Promise<unknown>): Promise<Map<string, number>> {
  const before = process.memoryUsage.rss();
  const most = new Map<string, number>();
  let watching = true;
  const stop = (): void => {
    watching = false;
  };
  over.then(stop, stop);
  while (watching) {
    const { sessions, requestsHeld, repliesKept, refusalsHeld } = server.stats();
    const grownMiB = Math.round((process.memoryUsage.rss() - before) / 2 ** 20);
    const sizes = { sessions, requestsHeld, repliesKept, refusalsHeld, grownMiB };
    for (const [name, size] of Object.entries(sizes)) {
      most.set(name, Math.max(most.get(name) ?? 0, size));
    }
    await setTimeout(SAMPLE_MS);
  }
  return most;
}

function checkBounds(t: ExecutionContext, most: ReadonlyMap<string, number>): void {
  const { sessionsMax, requestsMax, repliesMax, refusalsMax } = LIMITS;
  t.true(most.get('sessions')! <= sessionsMax);
  t.true(most.get('requestsHeld')! <= requestsMax);
  t.true(most.get('repliesKept')! <= repliesMax);
  t.true(most.get('refusalsHeld')! <= 2 * refusalsMax);
  t.true(most.get('grownMiB')! < GROWTH_MAX, `${most.get('grownMiB')} MiB`);
}

for (const seed of SEEDS) {
  siege(`a siege harms no honest call, and nothing outgrows its bound, seed ${seed}`, async (t) => {
    const server = createEndpoint({ transport: openNetlink(), limits: LIMITS });
    const client = createEndpoint({ transport: openNetlink() });
    t.teardown(() => [server, client].forEach((endpoint) => endpoint.destroy()));
    const id = { idx: 0x484f54, val: server.address };
    const ran = new Map<string, number>();
    const note = (input: unknown): unknown => {
      ran.set(String(input), (ran.get(String(input)) ?? 0) + 1);
      return input;
    };
    server.serve(id, { note, echo: (input) => input });
    const calling = await honest(client, id);
    const where = ['--to', String(server.address), '--id', `${id.idx}:${id.val}`];
    const how = ['--seed', String(seed), '--seconds', String(SIEGE_MS / 1_000)];
    const hostile = attack(t, 'siege', ...where, ...how);
    await hostile.up;
    const most = await highWater(server, hostile.report);
    const { sent, deeds } = await hostile.report;
    const calls = await calling.stop();
    await client.close();
    const honestly = client.stats().datagramsSent;
    await drained(server, sent + honestly);
    const { datagramsReceived, dropped } = server.stats();
    const closing = performance.now();
    await server.close();
    t.log(`${calls} honest calls, ${sent} hostile datagrams: ${JSON.stringify(deeds)}`);
    t.log(`dropped ${JSON.stringify(dropped)}, most ${JSON.stringify([...most])}`);
    t.log(`closed within ${Math.round(performance.now() - closing)} ms`);

    t.is(ran.size, calls, 'every honest call ran');
    const repeated = [...ran].filter(([, times]) => times !== 1);
    t.deepEqual(repeated, [], 'once');
    t.is(datagramsReceived, sent + honestly);
    t.true(sumOf(dropped) < sent, 'and none of the honest ones was dropped');
    checkBounds(t, most);
    const { sessions, requestsHeld, repliesKept, refusalsHeld } = server.stats();
    t.deepEqual([sessions, requestsHeld, repliesKept, refusalsHeld], [0, 0, 0, 0]);
  });
}
