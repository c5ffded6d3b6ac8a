import assert from 'node:assert/strict';
import { check, note } from './harness.ts';
import { inOrder, look, stillness, storm, type Moment } from './storm.ts';
import { parsed, running, type Running } from '../../integration/cli-run.ts';

// The command `cnrpc proc` where nobody else forks, so that its last word can be compared with what
// the kernel showed before: where others do, something is always lost or born in between.

const STORM = 1_000;
/** A thread of the kernel's may come or go at the end: then another storm. */
const ATTEMPTS = 3;

interface Told {
  readonly summary: Readonly<Record<string, unknown>>;
  /** The sum of the losses among the events. */
  readonly lost: number;
  readonly living: string;
}

/** Reads what it prints until it has said how all was. */
async function toldBy(run: Running): Promise<Told> {
  let lost = 0;
  let living = '';
  for (;;) {
    const object = parsed(await run.line());
    if (object['kind'] === 'lost') lost += Number(object['count']);
    const list = object['living'] as readonly { readonly pid: number }[] | undefined;
    if (list !== undefined) living = inOrder(list.map(({ pid }) => pid));
    const { summary } = object as Partial<Told>;
    if (summary !== undefined) return { summary, lost, living };
  }
}

/** Has it watch a storm, and ends it when all is quiet; gives nothing if it did not stay so. */
async function attempt(): Promise<{ readonly told: Told; readonly shown: Moment } | undefined> {
  const run = running(['proc', '--json', '--tree', '--receive-buffer', '1']);
  const others = (living: string): string =>
    living.replace(new RegExp(`\\b${run.child.pid},?`), '');
  try {
    const { watching: at } = parsed(await run.line()) as { watching: { portid: number } };
    return await storm(STORM, async () => {
      const telling = toldBy(run);
      const shown = await stillness(at.portid);
      run.child.kill('SIGINT');
      const told = await telling;
      const { living } = look(at.portid);
      return others(living) === others(shown.living) ? { told, shown } : undefined;
    });
  } finally {
    run.kill();
  }
}

await check('cnrpc proc ends with what the kernel shows: its drop counter, and /proc', async () => {
  let found = await attempt();
  for (let more = 1; found === undefined && more < ATTEMPTS; more++) found = await attempt();
  assert.ok(found !== undefined, 'it never stood still');
  const { told, shown } = found;
  const { settled, lostQueue, missing, looks } = told.summary;
  note(`${told.lost} lost, by ${shown.drops} drops; ${looks} looks`);
  assert.equal(settled, true);
  assert.ok(told.lost > STORM / 10);
  assert.deepEqual([told.lost, lostQueue, missing], [shown.drops, shown.drops, shown.drops]);
  assert.equal(told.living, shown.living);
});
