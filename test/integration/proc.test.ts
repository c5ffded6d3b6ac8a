import test from 'ava';
import type { ExecutionContext } from 'ava';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { cannotRun } from './cli-run.ts';
import { dropsByProc, livingByProc, Shell, watching } from './own-processes.ts';
import { report } from '../unit/proc/report.ts';
import { procKinds, type ProcEvent, type ProcWatch } from '../../agents/proc/proc.ts';
import { NetlinkSocket } from '../../transport/netlink/socket.ts';

// Others fork on this machine, too, and some of them play with cn_proc: what is asked exactly is
// asked of processes of our own, or of a moment in which nobody else did anything.

/** Forks of the storm; with 50,000 it takes about a minute. */
const STORM = Number(process.env['CNRPC_STORM'] ?? 3000);
/** Moments to look for one in which all stands still. */
const MOMENTS = 200;

/** Collects events until one is as wanted. */
async function until(
  watch: ProcWatch,
  events: ProcEvent[],
  wanted: (event: ProcEvent) => boolean,
): Promise<void> {
  for await (const event of watch) {
    events.push(event);
    if (wanted(event)) return;
  }
}

/** The events of one process, threads apart. */
function of(pid: number, events: readonly ProcEvent[]): ProcEvent[] {
  return events.filter((event) => 'pid' in event && event.pid === pid && event.tid === pid);
}

function ends(pid: number): (event: ProcEvent) => boolean {
  return (event) => event.kind === 'exit' && event.pid === pid && event.tid === pid;
}

test.serial('processes are reported from fork to exit, with how they ended', async (t) => {
  const watch = await watching(t);
  if (watch === undefined) return;
  const shell = new Shell();
  try {
    const events: ProcEvent[] = [];
    const seven = Number(await shell.run('sh -c "exit 7" & echo -n $!; wait'));
    const killed = Number(await shell.run('sleep 1000 & echo -n $!; kill -9 $!; wait'));
    await until(watch, events, ends(killed));
    const summary = (pid: number): unknown[] => of(pid, events).map((event) => [
      event.kind,
      ...(event.kind === 'fork' ? [event.parentPid] : []),
      ...(event.kind === 'exit' ? [event.code, event.signal] : []),
    ]);
    t.deepEqual(summary(seven), [['fork', shell.pid], ['exec'], ['exit', 7, undefined]]);
    t.deepEqual(summary(killed).at(-1), ['exit', undefined, 9]);
  } finally {
    await shell.end();
    await watch.close();
  }
});

test.serial('a process is described as long as it is the same one', async (t) => {
  const watch = await watching(t);
  if (watch === undefined) return;
  const shell = new Shell();
  try {
    const events: ProcEvent[] = [];
    const pid = Number(await shell.run('sleep 1000 & echo -n $!'));
    await until(watch, events, (event) => event.kind === 'exec' && event.pid === pid);
    const { timeMs } = of(pid, events)[0]!;
    t.deepEqual(watch.describe(pid, timeMs), {
      known: true, name: 'sleep', command: ['sleep', '1000'], parentPid: shell.pid,
    });
    // Who had the pid a minute before the process was forked was somebody else.
    t.deepEqual(watch.describe(pid, timeMs - 60_000), { known: false, why: 'reused' });
    await shell.run(`kill ${pid}`);
    await until(watch, events, ends(pid));
    t.deepEqual(watch.describe(pid, timeMs), { known: false, why: 'gone' });
  } finally {
    await shell.end();
    await watch.close();
  }
});

/** Compares in settled moments until one is found in which nothing else moved. */
async function inAMoment(watch: ProcWatch, same: () => string | undefined): Promise<string> {
  let last = 'never settled';
  for (let moment = 0; moment < MOMENTS; moment++) {
    if (!(await watch.settle())) continue;
    const difference = same();
    if (difference === undefined) return 'same';
    last = difference;
  }
  return last;
}

test.serial(`a storm of ${STORM} forks into a full queue is counted and made good`, async (t) => {
  const watch = await watching(t, { receiveBuffer: 1 });
  if (watch === undefined) return;
  const shell = new Shell();
  const known = new Map<number, string>();
  const folding = (async () => {
    for await (const event of watch) {
      if (event.kind === 'fork' || event.kind === 'exec') known.set(event.pid, event.kind);
      if (event.kind === 'exit' && event.pid === event.tid) known.delete(event.pid);
    }
  })();
  try {
    const ending = Number(await shell.run('sleep 1000 & echo -n $!'));
    await shell.storm(STORM / 2);
    await shell.run(`kill ${ending}; wait`);
    const living = Number(await shell.run('sleep 1000 & echo -n $!'));
    await shell.storm(STORM / 2);

    t.is(await inAMoment(watch, () => {
      const [drops, { lostQueue }] = [dropsByProc(watch.portid), watch.stats()];
      return drops === lostQueue ? undefined : `${drops} drops by /proc, ${lostQueue} lost`;
    }), 'same');
    const stats = watch.stats();
    t.is(stats.missing, stats.lostQueue + stats.lostMemory, 'numbers and drop counter agree');
    t.true(stats.lostQueue > STORM / 10, `${stats.lostQueue} lost`);
    t.log(`${stats.lostQueue} lost by the drop counter, ${stats.missing} by the numbers, `
      + `${stats.events} read, ${stats.recovered} recovered by ${stats.looks} looks`);

    t.is(await inAMoment(watch, () => {
      const picture = [...watch.processes.keys()].sort((a, b) => a - b).join();
      const proc = livingByProc().join();
      return picture === proc ? undefined : `picture ${picture}\n/proc ${proc}`;
    }), 'same');
    t.false(watch.processes.has(ending));
    t.is(watch.processes.get(living)?.parentPid, shell.pid);
    await watch.close();
    await folding;
    t.is(known.get(ending), undefined);
    t.truthy(known.get(living), 'the events alone say so, too');
  } finally {
    await shell.end();
    await watch.close();
  }
});

test.serial('the kernel leaves out what is not wanted where nothing is repaired', async (t) => {
  const watch = await watching(t, { kinds: ['exit'], repair: false });
  if (watch === undefined) return;
  const shell = new Shell();
  try {
    if (!watch.kernelFilter) t.log('this kernel has no filter: it is done here');
    const events: ProcEvent[] = [];
    const pid = Number(await shell.run('sh -c "exit 3" & echo -n $!; wait'));
    await until(watch, events, ends(pid));
    t.deepEqual(of(pid, events).map(({ kind }) => kind), ['exit']);
    t.deepEqual(events.filter(({ kind }) => kind !== 'exit' && kind !== 'lost'), []);
    t.is(watch.processes.size, 0);
  } finally {
    await shell.end();
    await watch.close();
  }
});

test.serial('a spoofed event is refused and counted', async (t) => {
  const watch = await watching(t);
  if (watch === undefined) return;
  const socket = new NetlinkSocket({ protocol: 11, portid: 0, receiveBuffer: undefined });
  try {
    const data = [1, 1, 0x7ffffff0, 0x7ffffff0];
    const fake = report({ what: procKinds.fork, cpu: 0, seq: 0, timeMs: 1, data });
    const errno = socket.send(fake, 0, fake.bytes.length, watch.portid, 0);
    if (errno !== 0) {
      t.log(`skipped: only a process with CAP_NET_ADMIN can spoof (errno ${errno})`);
      t.pass();
      return;
    }
    await inAMoment(watch, () => (watch.spoofed === 0 ? 'not there yet' : undefined));
    t.is(watch.spoofed, 1);
    t.false(watch.processes.has(0x7ffffff0));
  } finally {
    socket.close();
    await watch.close();
  }
});

const watcher = fileURLToPath(new URL('../../agents/proc/proc.js', import.meta.url));

/** Tries to watch in other namespaces; gives the error. */
async function tryWatching(t: ExecutionContext, through: readonly string[]): Promise<string> {
  const obstacle = await cannotRun(through[0]!, [...through.slice(1), 'true']);
  if (obstacle !== undefined) {
    t.log(`skipped: ${obstacle}`);
    return '';
  }
  const script = `const { watchProcesses } = await import(${JSON.stringify(watcher)});
    const watch = await watchProcesses().catch((error) => console.log(error.message));
    await watch?.close();`;
  const args = [...through.slice(1), process.execPath, '--input-type=module', '--eval', script];
  return new Promise((resolve) => {
    execFile(through[0]!, args, (_, stdout, stderr) => resolve(stdout + stderr));
  });
}

test.serial('where it cannot work it says why', async (t) => {
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [['unshare', '-n'], /^unavailable: .*first network namespace/],
    [['unshare', '-U'], /^unavailable: .*first user namespace/],
    [['unshare', '-p', '-f', '--mount-proc'], /^unavailable: .*first pid namespace/],
  ];
  for (const [through, expected] of cases) {
    const said = await tryWatching(t, through);
    if (said !== '') t.regex(said, expected);
  }
  t.pass();
});
