// Starts the second implementation of the protocol (session_peer, in Python) beside a test.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { threadId } from 'node:worker_threads';
import test, { type ExecutionContext } from 'ava';
import { createEndpoint } from '../../../index.ts';
import { openNetlink } from '../../../transport/netlink/netlink.ts';
import { packageRoot } from '../../package-root.ts';

/** What it prints at its end. */
export interface Report {
  readonly done: Record<string, number>;
  readonly wrong: readonly string[];
  readonly ended: Record<string, number>;
  readonly sessions: number;
  readonly violations: readonly string[];
  readonly executions: number;
  readonly repeated: number;
  readonly most: Record<string, number>;
  readonly order: Record<string, readonly (number | null)[]>;
}

export const seeds: readonly number[] = [1, 2, 3];
/** Makes its network bad, both ways. */
export const bad = (seed: number): string[] => [
  ...['--seed', String(seed), '--both-ways', '--drop', '0.06', '--duplicate', '0.1'],
  ...['--reorder', '0.2', '--replay', '0.1'],
];

async function whyNot(): Promise<string | undefined> {
  const python = spawnSync('python3', ['-c', 'import sys; sys.exit(sys.version_info < (3, 9))']);
  if (python.status !== 0) return 'no python3 of version 3.9 or later';
  try {
    await createEndpoint({ transport: openNetlink() }).close();
    return undefined;
  } catch (error) {
    return `no netlink: ${String(error)}`;
  }
}

const reason = await whyNot();
/** Test files run in threads of one process: an id is made of thread, process and test. */
let tests = 0;

/** Declares a test that needs both netlink and Python. */
export function interop(title: string, run: (t: ExecutionContext, id: Id) => Promise<void>): void {
  test.serial(title, async (t) => {
    t.timeout(18_000);
    tests += 1;
    const id = { idx: 0x5345 + threadId, val: process.pid * 64 + tests };
    if (reason === undefined) return run(t, id);
    t.log(`skipped: ${reason}`);
    t.pass();
  });
}

export interface Id {
  readonly idx: number;
  readonly val: number;
}

interface Peer<R> {
  readonly child: ChildProcess;
  readonly ready: Promise<void>;
  readonly report: Promise<R>;
}

/** Starts it; `args` begin with its role. It ends with the test at the latest. */
export function startPeer<R = Report>(t: ExecutionContext, id: Id, ...args: string[]): Peer<R> {
  const file = join(packageRoot, 'test/integration/peers/session_peer');
  const child = spawn('python3', ['-B', file, ...args, '--id', `${id.idx}:${id.val}`]);
  t.teardown(() => child.kill('SIGKILL'));
  let output = '';
  let errors = '';
  child.stdout.on('data', (text) => (output += String(text)));
  const ended = new Promise<void>((resolve) => child.on('close', () => resolve()));
  const ready = new Promise<void>((resolve) => {
    child.stderr.on('data', (text) => {
      errors += String(text);
      if (errors.includes('ready')) resolve();
    });
  });
  const report = ended.then((): R => {
    if (output === '') throw new Error(`the peer ended without a report: ${errors}`);
    return JSON.parse(output) as R;
  });
  const begun = Promise.race([ready, report.then(() => undefined)]);
  void begun.catch(() => undefined); // not everybody waits for it
  return { child, ready: begun, report };
}

export const sum = (counts: Record<string, number>): number =>
  Object.values(counts).reduce((total, count) => total + count, 0);

export const ascends = (numbers: readonly number[]): boolean =>
  numbers.every((number, at) => at === 0 || number > (numbers[at - 1] ?? 0));

/** Neither side found anything of the other's against the specification. */
export function noComplaints(
  t: ExecutionContext,
  dropped: Record<string, number>,
  report: Report,
): void {
  t.deepEqual(report.violations, []);
  const lengths = ['short', 'nlmsg-length', 'cn-length', 'version', 'checksum'];
  for (const name of [...lengths, 'malformed', 'bad-number', 'ack-of-unsent']) {
    t.is(dropped[name], 0, name);
  }
}
