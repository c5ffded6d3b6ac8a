import test from 'ava';
import type { ExecutionContext } from 'ava';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { cannotRun, cnrpc, parsed, Running, running } from './cli-run.ts';
import type { ProcWatch } from '../../agents/proc/proc.ts';
import { dropsByProc, livingByProc, Shell, watching } from './own-processes.ts';

/** Forks of the storm; with 50,000 it takes about a minute. */
const STORM = Number(process.env['CNRPC_STORM'] ?? 3000);

/** The grain of start times in /proc, twice. */
const TICK_MS = 20;
const [seconds, nanoseconds] = process.hrtime();
const performanceToMonotonic = seconds * 1000 + nanoseconds / 1e6 - performance.now();

/** The probe interval where the kernel is muted. Others are mute as well: it is not to be long. */
const PROBE_MS = 500;
const ATTEMPTS = 5;

interface Living {
  readonly pid: number;
  readonly parentPid: number;
  readonly command: string | null;
  readonly sinceMs: number;
}

/** What `cnrpc proc` printed: a JSON object a line. */
async function rest(run: Running): Promise<Record<string, unknown>[]> {
  const objects: Record<string, unknown>[] = [];
  for (;;) {
    const object = parsed(await run.line());
    objects.push(object);
    if (object['summary'] !== undefined) return objects;
  }
}

async function unavailable(): Promise<string | undefined> {
  const { code, stderr } = await cnrpc(['kernel', 'ping', '--timeout-ms', '1000']);
  return code === 0 ? undefined : stderr.trim();
}

const obstacle = await unavailable();

if (obstacle !== undefined) {
  test('process events are not to be had here', (t) => {
    t.log(obstacle);
    t.pass();
  });
} else {
  test.serial(`after a storm of ${STORM} forks it knows what was lost and who lives`, async (t) => {
    const run = running(['proc', '--json', '--tree', '--receive-buffer', '1']);
    const shell = new Shell();
    try {
      const { watching: at } = parsed(await run.line()) as { watching: { portid: number } };
      const ending = Number(await shell.run('sleep 1000 & echo -n $!'));
      await shell.storm(STORM);
      await shell.run(`kill ${ending}; wait`);
      const staying = Number(await shell.run('sleep 1001 & echo -n $!'));
      const lookedMs = performance.now() + performanceToMonotonic;
      const before = new Set(livingByProc());
      const dropped = dropsByProc(at.portid)!;
      run.child.kill('SIGINT');
      const objects = await rest(run);
      const after = new Set(livingByProc());

      const { summary } = objects.at(-1) as { summary: Record<string, number | boolean> };
      t.true(summary['settled']);
      const lost = Number(summary['lostQueue']);
      t.is(summary['missing'], lost, 'the numbers say what the drop counter says');
      // Others fork between our look at the counter and the end: it can only have moved on.
      t.true(dropped > STORM / 10 && dropped <= lost);
      t.log(`lost: ${dropped} by /proc/net/netlink just before the end, ${lost} by the summary`);
      let told = 0;
      for (const { kind, cause, count } of objects) {
        if (kind === 'lost' && cause === 'queue') told += Number(count);
      }
      t.is(told, lost);

      const { living } = objects.at(-2) as { living: Living[] };
      const pids = new Set(living.map(({ pid }) => pid));
      t.is(living.length, Number(summary['living']));
      t.deepEqual([...before].filter((pid) => after.has(pid) && !pids.has(pid)), [], 'missing');
      // Somebody else's process may come after the first look and go before the second.
      const ghosts = living.filter(({ pid, sinceMs }) =>
        !before.has(pid) && !after.has(pid) && sinceMs < lookedMs - TICK_MS);
      t.deepEqual(ghosts, []);
      t.false(pids.has(ending));
      const { parentPid, command } = living.find(({ pid }) => pid === staying)!;
      t.deepEqual([parentPid, command], [shell.pid, 'sleep 1001']);
    } finally {
      await shell.end();
      run.kill();
    }
  });

  test.serial('events come as lines with commands, and the end as a summary', async (t) => {
    const run = running(['proc', '--filter', 'exec,exit', '--command', '^sleep 1002']);
    const shell = new Shell();
    try {
      const head = [await run.line(), await run.line(), await run.line()];
      t.deepEqual(head.slice(0, 2), ['watching processes; ctrl-c ends it', '']);
      t.regex(head[2]!, /^time +event +pid +what/);
      const next = async (): Promise<string> => {
        const line = await run.line();
        return / (lost|restored) /.test(line) ? next() : line;
      };
      const pid = Number(await shell.run('sleep 1002 & echo -n $!'));
      t.regex(await next(), new RegExp(`^[0-9:.]{12}  exec +${pid}  sleep 1002$`));
      await shell.run(`kill ${pid}; wait`);
      t.regex(await next(), new RegExp(`^[0-9:.]{12}  exit +${pid}  SIGTERM after .* sleep 1002$`));
      run.child.kill('SIGINT');
      while (!/ events? in .* shown; \d+ processes live/.test(await run.line()));
      t.is(await run.end('SIGCONT'), 0);
    } finally {
      await shell.end();
      run.kill();
    }
  });

  test.serial('who ends is known by the command, also where ends alone are printed', async (t) => {
    const run = running(['proc', '--filter', 'nonzero-exit']);
    const shell = new Shell();
    const lineOf = async (pid: number): Promise<string> => {
      for (;;) {
        const line = await run.line();
        if (line.includes(` ${pid}  `)) return line;
      }
    };
    try {
      for (let head = 0; head < 3; head++) await run.line();
      const pid = Number(await shell.run('sleep 1003 & echo -n $!'));
      while (!readFileSync(`/proc/${pid}/cmdline`, 'latin1').startsWith('sleep')) {
        await new Promise((resolve) => setImmediate(resolve));
      }
      // What is reported after its exec is printed after that was read.
      const after = Number(await shell.run('sh -c "exit 5" & echo -n $!; wait $!'));
      t.regex(await lineOf(after), / exit +\d+  code 5/);
      await shell.run(`kill ${pid}; wait`);
      t.regex(await lineOf(pid), / exit +\d+  SIGTERM after .* sleep 1003$/);
    } finally {
      await shell.end();
      run.kill();
    }
  });

  test.serial('a mute by somebody without rights is mended in two probe intervals', async (t) => {
    const watch = await watching(t, { probeMs: PROBE_MS });
    if (watch === undefined) return;
    try {
      for (let attempt = 1; !(await mutedAndMended(t, watch)); attempt++) {
        if (attempt === ATTEMPTS) t.fail('somebody else was always faster');
      }
      for await (const event of watch) {
        if (event.kind === 'lost' && event.cause === 'muted') break;
      }
      for await (const event of watch) if (event.kind === 'restored') break;
      t.pass();
    } finally {
      await watch.close();
    }
  });
}

/** Has the kernel muted; gives whether it was the watch that mended it. */
async function mutedAndMended(t: ExecutionContext, watch: ProcWatch): Promise<boolean> {
  const drop = ['--reuid=65534', '--regid=65534', '--clear-groups'];
  const asRoot = process.getuid?.() === 0
    && (await cannotRun('setpriv', [...drop, process.execPath, '--version'])) === undefined;
  if (!asRoot) t.log('the muter runs as the user of this test');
  const script = fileURLToPath(new URL('./muter.js', import.meta.url));
  const muter = asRoot
    ? new Running('setpriv', [...drop, process.execPath, script])
    : new Running(process.execPath, [script]);
  try {
    const { taken, mutedMs, mendedMs } = parsed(await muter.line()) as Record<string, number>;
    // One of those taken was ours, and we are about to go: the others are to be as they were.
    const exited = once(muter.child, 'exit');
    muter.child.stdin!.write(`${taken! - 1}\n`);
    await exited;
    if (watch.stats().mutes === 0) return false;
    const passed = mendedMs! - mutedMs!;
    t.log(`${taken} listeners taken; mended after ${passed.toFixed(0)} ms`);
    t.true(passed <= 2 * PROBE_MS);
    return true;
  } finally {
    muter.kill();
  }
}
