import test from 'ava';
import { readFileSync } from 'node:fs';
import { cannotRun, cnrpc, main, noNetlink, parsed, running, type Run } from './cli-run.ts';

/** The faults of issue 2. */
const FAULTS = '--clients 4 --loss 0.1 --duplicate 0.05 --reorder 0.1 --corrupt 0.02 '
  + '--delay-ms 0..3 --memory-pressure severe';

interface Report {
  readonly seed: number;
  readonly calls: { readonly started: number; readonly succeeded: number; readonly failed: number };
  readonly executions: number;
  readonly duplicateExecutions: number;
  readonly wrongReplies: number;
  readonly orderViolations: number;
  readonly transmissionsPerCall: number;
  readonly latencyMs: unknown;
  readonly wallMs: number;
  readonly virtualMs: number | null;
  readonly callsPerSecond: number;
  readonly network: Readonly<Record<string, number>>;
}

async function stress(args: string, run: Run = {}): Promise<{ report: Report; code: number }> {
  const { code, stdout, stderr } = await cnrpc(['stress', '--json', ...args.split(' ')], run);
  if (stdout === '') throw new Error(stderr);
  return { code, report: parsed(stdout) as unknown as Report };
}

function good(calls: number): object {
  return {
    calls: { started: calls, succeeded: calls, failed: 0 },
    executions: calls,
    duplicateExecutions: 0,
    wrongReplies: 0,
    orderViolations: 0,
  };
}

for (const seed of [1, 2, 3, 4_242, 0xffff_ffff]) {
  test(`seed ${seed}: every call runs exactly once through all faults at once`, async (t) => {
    const { report, code } = await stress(`--calls 3000 --in-flight 64 --seed ${seed} ${FAULTS}`);
    t.is(code, 0);
    t.like(report, good(3000));
    const { lost, duplicated, corrupted, noMemory } = report.network;
    t.true(Math.min(lost!, duplicated!, corrupted!, noMemory!) > 0, 'the faults did happen');
  });
}

test('the same seed gives the same numbers, another seed others', async (t) => {
  const timeless = async (seed: number): Promise<Partial<Report>> => {
    const { report } = await stress(`--calls 1000 --seed ${seed} ${FAULTS} --receive-buffer 4608`);
    const { wallMs, callsPerSecond, ...rest } = report;
    t.true(wallMs > 0 && callsPerSecond > 0);
    return rest;
  };
  const first = await timeless(9);
  t.deepEqual(await timeless(9), first);
  t.notDeepEqual(await timeless(10), first);
});

test('the report has the keys of the issue, in their order', async (t) => {
  const { report } = await stress('--calls 10');
  t.deepEqual(Object.keys(report), [
    'seed', 'transport', 'calls', 'executions', 'duplicateExecutions', 'wrongReplies',
    'orderViolations', 'transmissions', 'transmissionsPerCall', 'latencyMs', 'wallMs', 'virtualMs',
    'callsPerSecond', 'network',
  ]);
  t.is(report.transmissionsPerCall, 2);
});

test('payloads of any length work, also those too short to name their call', async (t) => {
  for (const payload of [0, 1, 11, 12, 13, 61_440]) {
    const { report } = await stress(`--calls 60 --payload ${payload} --loss 0.1 --delay-ms 0..1`);
    t.like(report, good(60), String(payload));
  }
});

test('a network that loses all ends with exit code 1 and what is known of the calls', async (t) => {
  const { report, code } = await stress('--calls 20 --loss 1');
  t.is(code, 1);
  t.like(report, {
    calls: { succeeded: 0, failed: 20, failedByOutcome: { 'not-sent': 20 } },
    latencyMs: null,
  });
});

test('people get lines of at most 80 columns, and no bar where no terminal is', async (t) => {
  const { code, stdout, stderr } = await cnrpc(`stress --calls 2000 ${FAULTS}`.split(' '));
  t.is(code, 0);
  t.is(stderr, '');
  t.regex(stdout, /calls +2000 succeeded, 0 failed\n/);
  t.regex(stdout, /seed 1\n/);
  for (const line of stdout.split('\n')) t.true(line.length <= 80, line);
});

const noSocket = noNetlink();
if (noSocket !== undefined) {
  test('stress over netlink is not tried here', (t) => {
    t.log(noSocket);
    t.pass();
  });
} else {
  test.serial('over netlink, processes call each other through queues of 9 KiB', async (t) => {
    const { report, code } = await stress(
      '--transport netlink --calls 5000 --in-flight 64 --receive-buffer 4608',
    );
    t.is(code, 0);
    t.like(report, { ...good(5000), virtualMs: null });
  });

  test.serial('over netlink, faults are made on the way', async (t) => {
    const { report, code } = await stress(
      `--transport netlink --calls 1500 --in-flight 8 ${FAULTS}`,
    );
    t.is(code, 0);
    t.like(report, good(1500));
    const { lost, duplicated } = report.network;
    t.true(Math.min(lost!, duplicated!) > 0);
  });

  test.serial('over netlink it needs no privilege', async (t) => {
    const through = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
    const obstacle = process.getuid?.() === 0
      ? await cannotRun(through[0]!, [...through.slice(1), process.execPath, main, '--version'])
      : 'not run as root, so the other tests are without privilege already';
    if (obstacle !== undefined) {
      t.log(`skipped: ${obstacle}`);
      t.pass();
      return;
    }
    const { report, code } = await stress(
      '--transport netlink --calls 2000 --in-flight 64 --receive-buffer 4608',
      { through },
    );
    t.is(code, 0);
    t.like(report, good(2000));
  });

  for (const signal of ['SIGINT', 'SIGKILL'] as const) {
    test.serial(`no worker outlives a parent that ends by ${signal}`, async (t) => {
      const parent = running('stress --transport netlink --calls 100000000'.split(' '));
      await parent.line();
      const { pid } = parent.child;
      await workersOf(pid!, 3);
      // The workers write to the parent's stderr: it closes when the last of them has ended.
      const code = await parent.end(signal);
      t.is(code, signal === 'SIGINT' ? 1 : null);
    });
  }
}

/** Waits until so many children have opened a netlink socket, whose portid is then their pid. */
async function workersOf(pid: number, count: number): Promise<void> {
  const words = (file: string): string[] => readFileSync(file, 'utf8').split(/\s+/);
  for (let working = 0; working < count;) {
    await new Promise((resolve) => setImmediate(resolve));
    const portids = new Set(words('/proc/net/netlink'));
    const children = words(`/proc/${pid}/task/${pid}/children`);
    working = children.filter((child) => child !== '' && portids.has(child)).length;
  }
}
