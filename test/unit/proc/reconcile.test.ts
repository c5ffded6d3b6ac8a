import test from 'ava';
import type { KernelEvent } from '../../../agents/proc/event.ts';
import { reconcile } from '../../../agents/proc/reconcile.ts';
import { Table, type Entry } from '../../../agents/proc/table.ts';

const nobody: ReadonlySet<number> = new Set();

function entry(pid: number, startMs: number, name: string = 'sh'): Entry {
  const startTicks = Math.floor(startMs / 10);
  return { pid, parentPid: 1, name, kernelThread: false, startTicks, startMs: startTicks * 10 };
}

function fork(pid: number, timeMs: number): KernelEvent {
  const parent = { parentPid: 1, parentTid: 1 };
  return { kind: 'fork', timeMs, pid, tid: pid, recovered: false, ...parent };
}

function table(...entries: readonly Entry[]): Table {
  const made = new Table(() => {});
  for (const each of entries) made.put(each);
  return made;
}

function changes(of: Table, seen: readonly Entry[], touched = nobody): string[] {
  return [...reconcile(of, seen, touched, 9999)].map((event) => {
    return `${event.recovered ? '~' : ''}${event.kind} ${event.pid}`;
  });
}

const init = entry(1, 0);

test('who is gone ended, and who is new began', (t) => {
  const known = table(init, entry(2, 100));
  t.deepEqual(changes(known, [init, entry(3, 200)]), ['~exit 2', '~fork 3']);
  t.deepEqual([...known.processes.keys()], [1, 3]);
  t.deepEqual(changes(known, [init, entry(3, 200)]), []);
});

test('of whom a report came during the look, the report is right', (t) => {
  const known = table(init, entry(2, 100));
  t.deepEqual(changes(known, [init, entry(3, 200)], new Set([2, 3])), []);
  t.deepEqual([...known.processes.keys()], [1, 2]);
});

test('a pid with another start is another process', (t) => {
  const known = table(init, entry(2, 100));
  t.deepEqual(changes(known, [init, entry(2, 200)]), ['~exit 2', '~fork 2']);
});

test('a process known by its fork is the one in /proc if that did not start later', (t) => {
  const known = table(init);
  known.apply(fork(2, 105));
  t.deepEqual(changes(known, [init, entry(2, 104)]), []);
  t.is(known.get(2)?.startTicks, 10);
  known.apply(fork(3, 105));
  t.deepEqual(changes(known, [init, entry(2, 104), entry(3, 300)]), ['~exit 3', '~fork 3']);
});

test('a name that changed tells of an exec, but not of a thread of the kernel', (t) => {
  const known = table(init, entry(2, 100), { ...entry(3, 100, 'kworker/0:1'), kernelThread: true });
  const seen = [init, entry(2, 100, 'ls'), { ...entry(3, 100, 'kworker/0:1-events') }];
  t.deepEqual(changes(known, seen.map((each) => ({ ...each, kernelThread: each.pid === 3 }))), [
    '~exec 2',
  ]);
  t.is(known.get(2)?.execs, 1);
});
