import type { KernelEvent } from './event.ts';
import { sameProcess, type Entry, type Process, type Table } from './table.ts';

/**
 * Compares the picture with a look at /proc and mends it, giving a recovered event for each change.
 *
 * The look takes time, and processes come and go meanwhile. `touched` are those of which a report
 * arrived that was made after the look had begun: reports know better. The others did not change
 * while it lasted, so what it shows of them is so.
 */
export function* reconcile(
  table: Table,
  entries: readonly Entry[],
  touched: ReadonlySet<number>,
  timeMs: number,
): Generator<KernelEvent> {
  const seen = new Map(entries.map((entry) => [entry.pid, entry]));
  const gone = [...table.processes.keys()].filter((pid) => !seen.has(pid) && !touched.has(pid));
  for (const pid of gone) {
    table.remove(pid);
    yield recoveredExit(pid, timeMs);
  }
  for (const entry of entries) {
    if (!touched.has(entry.pid)) yield* mend(table, entry, seen, timeMs);
  }
}

function* mend(
  table: Table,
  entry: Entry,
  seen: ReadonlyMap<number, Entry>,
  timeMs: number,
): Generator<KernelEvent> {
  const { pid, parentPid, name, kernelThread } = entry;
  const known = table.get(pid);
  let itsName = seen.get(parentPid)?.name;
  if (known !== undefined && sameProcess(known, entry)) {
    if (!agree(known, entry)) table.put(entry, known);
    itsName = known.name ?? name;
  } else {
    if (known !== undefined) {
      table.remove(pid);
      yield recoveredExit(pid, timeMs);
    }
    table.put(entry);
    yield recoveredFork(pid, parentPid, timeMs);
  }
  if (itsName === name || kernelThread) return;
  table.addExec(pid);
  yield recoveredExec(pid, timeMs);
}

function agree(record: Process, entry: Entry): boolean {
  const { parentPid, name, startTicks } = record;
  return parentPid === entry.parentPid && name === entry.name && startTicks === entry.startTicks;
}

/** The difference between two records of one pid, as events. */
export function* difference(
  pid: number,
  before: Process | undefined,
  after: Process | undefined,
  timeMs: number,
): Generator<KernelEvent> {
  const same = before !== undefined && after !== undefined && before.sinceMs === after.sinceMs;
  if (before !== undefined && !same) yield recoveredExit(pid, timeMs);
  if (after !== undefined && !same) yield recoveredFork(pid, after.parentPid ?? 0, timeMs);
  const execs = same ? before.execs : 0;
  if (after !== undefined && after.execs !== execs) yield recoveredExec(pid, timeMs);
}

function recoveredFork(pid: number, parentPid: number, timeMs: number): KernelEvent {
  return { kind: 'fork', timeMs, pid, tid: pid, parentPid, parentTid: parentPid, recovered: true };
}

function recoveredExec(pid: number, timeMs: number): KernelEvent {
  return { kind: 'exec', timeMs, pid, tid: pid, recovered: true };
}

/** An exit of which nothing is known but that it was. */
export function recoveredExit(pid: number, timeMs: number): KernelEvent {
  const unknown = { code: undefined, signal: undefined, coreDumped: false, parentPid: undefined };
  return { kind: 'exit', timeMs, pid, tid: pid, recovered: true, ...unknown };
}
