import { execFile } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { release } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { packageRoot } from '../package-root.ts';

/**
 * The simulated kernel against this machine's: the same drawn operations, every result compared
 * (error numbers, contents of queues, drop counters, poll, /proc/net/netlink). Each setting runs as
 * a process of its own: in a new network namespace, where nobody else's traffic is, or with less
 * rights. `CNRPC_SEED=n` replays a run.
 */

/** Stories, and steps of each. */
const MANY = [30, 400];
/** Everybody who listens on this machine sees the answers to these. */
const FEW = [10, 150];
const run = promisify(execFile);
const seed = Number(process.env['CNRPC_SEED'] ?? randomInt(2 ** 31));
const root = process.getuid?.() === 0;
const unprivileged = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];

interface Outcome {
  readonly operations: number;
  readonly muted: number;
  readonly difference?: object;
}

/** Why the two kernels cannot be compared here; undefined if they can. */
function obstacle(): string | undefined {
  if (process.platform !== 'linux') return `this is ${process.platform}`;
  const [major, minor] = release().split('.').map(Number) as [number, number];
  // What a queue is charged and when it is full differ before (KF §6.1).
  return major * 1000 + minor < 6016 ? `Linux ${release()} is older than 6.16` : undefined;
}

/** How to get a network namespace of our own, with all rights in it or with none. */
function alone(rights: 'admin' | 'none'): string[] {
  if (root) return rights === 'admin' ? ['unshare', '-n'] : ['unshare', '-n', ...unprivileged];
  return rights === 'admin' ? ['unshare', '-U', '-r', '-n'] : ['unshare', '-U', '-n'];
}

function skip(t: ExecutionContext, reason: string): void {
  t.log(`skipped: ${reason}`);
  t.pass();
}

/** Declares a comparison: what it runs through, the arguments of run.ts, how much is drawn. */
function compared(
  title: string,
  through: readonly string[],
  settings: readonly string[],
  counts: readonly number[],
  needsRoot = false,
): void {
  test.serial(title, async (t) => {
    const reason = obstacle() ?? (needsRoot && !root ? 'that takes root' : undefined);
    if (reason !== undefined) {
      skip(t, reason);
      return;
    }
    try {
      const [file, ...args] = [...through, 'true'];
      await run(file!, args);
    } catch (error) {
      skip(t, `${through.join(' ')} fails: ${String(error)}`);
      return;
    }
    const script = join(packageRoot, 'dist/test/differential/run.js');
    const numbers = [seed, ...counts].map(String);
    const [file, ...args] = [...through, process.execPath, script, ...settings, ...numbers];
    const { stdout, stderr } = await run(file!, args).catch((error: unknown) => {
      const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
      return { stdout, stderr };
    });
    if (/unavailable/.test(stderr)) {
      skip(t, stderr);
      return;
    }
    t.not(stdout, '', stderr);
    const { operations, muted, difference } = JSON.parse(stdout) as Outcome;
    t.log(`seed ${seed}: ${operations} compared`);
    if (muted > 0) t.log(`${muted} not compared: somebody had muted cn_proc`);
    t.is(difference, undefined, JSON.stringify(difference, undefined, 1));
    t.true(operations >= (counts === MANY ? 10_000 : 1_000), `${operations} operations`);
  });
}

const user = root ? 'first' : 'own';
compared(
  'usersock with all rights: no operation differs from the real kernel (KF §5, §6, §8)',
  alone('admin'),
  ['usersock', 'own', 'admin', user],
  MANY,
);
compared(
  'usersock without rights: no operation differs from the real kernel (KF §8.3)',
  alone('none'),
  ['usersock', 'own', 'none', user],
  MANY,
);
compared(
  'the connector with all rights: no operation differs from the real kernel (KF §1.4, §5, §6)',
  [],
  ['connector', 'first', 'admin', 'first'],
  MANY,
  true,
);
compared(
  'the connector without rights: no operation differs from the real kernel (KF §1.5)',
  root ? unprivileged : [],
  ['connector', 'first', 'none', 'first'],
  MANY,
);
compared(
  'the connector in another network namespace: no operation differs (KF §8.8)',
  alone('admin'),
  ['connector', 'own', 'admin', user],
  MANY,
);
compared(
  'cn_proc: who sees which acknowledgement does not differ (KF §7.2 - §7.4)',
  root ? unprivileged : [],
  ['proc', 'first', 'none', 'first'],
  FEW,
);
