import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { release } from 'node:os';
import { createInterface } from 'node:readline';
import { check, note } from './harness.ts';
import { FORKS, inOrder, look, same, storm, type Moment } from './storm.ts';
import { watchProcesses, type ProcWatch, type WatchOptions } from '../../../agents/proc/proc.ts';

// agents/proc where nobody else forks or plays with cn_proc: what is counted is asked for exactly.

/** Moments to look for one in which no thread of the kernel comes or goes. */
const MOMENTS = 50;
/** Long enough for what a busy machine adds to the interval to be less than a second one. */
const PROBE_MS = 2000;
const NOBODY = 65_534;
/** From here on an unprivileged process may mute cn_proc; before only root may (KF §1.5). */
const ANYBODY_MUTES = 6_006;

const [major, minor] = release().split('.').map(Number) as [number, number];
const muter = major * 1000 + minor < ANYBODY_MUTES ? {} : { uid: NOBODY, gid: NOBODY };

async function watching(
  options: WatchOptions,
  body: (watch: ProcWatch) => Promise<void>,
): Promise<void> {
  const watch = await watchProcesses(options);
  try {
    await body(watch);
  } finally {
    await watch.close();
  }
}

/** Waits for a settled moment around which nothing moved; gives what the kernel showed in it. */
async function stillMoment(watch: ProcWatch): Promise<Moment> {
  for (let moment = 0; moment < MOMENTS; moment++) {
    const before = look(watch.portid);
    if (!(await watch.settle())) continue;
    const after = look(watch.portid);
    if (same(before, after)) return after;
  }
  assert.fail('it never stood still');
}

/** Who lives by the events alone, beginning with those who lived before. */
async function fold(watch: ProcWatch): Promise<string> {
  const living = new Set(watch.processes.keys());
  for await (const event of watch) {
    if (!('pid' in event) || event.pid !== event.tid) continue;
    if (event.kind === 'fork' || event.kind === 'exec') living.add(event.pid);
    if (event.kind === 'exit') living.delete(event.pid);
  }
  return inOrder(living);
}

/** Has another process mute the kernel; gives what it says when somebody has mended that. */
async function mute(): Promise<Readonly<Record<'taken' | 'mutedMs' | 'mendedMs', number>>> {
  const script = new URL('../../integration/muter.js', import.meta.url).pathname;
  const child = spawn(process.execPath, [script], { ...muter, stdio: ['pipe', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  const { value } = await createInterface(child.stdout)[Symbol.asyncIterator]().next();
  child.stdin.end('0\n'); // nobody else listens here who would miss those it took
  await exited;
  return JSON.parse(String(value)) as Awaited<ReturnType<typeof mute>>;
}

await check(`a storm of ${FORKS} forks into a full queue is counted and made good`, () =>
  watching({ receiveBuffer: 1 }, async (watch) => {
    const folded = fold(watch);
    await storm(FORKS, async ({ ending, staying }) => {
      const { drops, living } = await stillMoment(watch);
      const { lostQueue, lostMemory, missing, events, recovered, looks } = watch.stats();
      note(`${lostQueue} lost, ${events} read, ${recovered} recovered by ${looks} looks`);
      assert.equal(lostQueue, drops, "by the kernel's drop counter");
      assert.equal(missing, lostQueue, 'by its numbers on each processor');
      assert.equal(lostMemory, 0);
      assert.ok(lostQueue > FORKS / 10 && lostQueue + events >= 2 * FORKS);
      assert.equal(inOrder(watch.processes.keys()), living, 'the picture is /proc');
      assert.ok(!watch.processes.has(ending) && watch.processes.has(staying));
    });
    await watch.close();
    assert.equal(await folded, inOrder(watch.processes.keys()), 'the events alone say so, too');
  }),
);

await check('who mutes cn_proc is noticed and mended within two probe intervals', () =>
  watching({ probeMs: PROBE_MS }, async (watch) => {
    const { taken, mutedMs, mendedMs } = await mute();
    const tookMs = mendedMs - mutedMs;
    note(`${taken} taken by user ${muter.uid ?? 0}, mended after ${tookMs.toFixed()} ms`);
    assert.equal(watch.stats().mutes, 1);
    assert.ok(tookMs <= 2 * PROBE_MS);
    const { living } = await stillMoment(watch);
    assert.equal(inOrder(watch.processes.keys()), living);
  }),
);
