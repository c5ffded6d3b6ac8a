import type { KernelEvent } from './event.ts';

/** A living process, as far as reports and the last look at the process table tell. */
export interface Process {
  readonly pid: number;
  /** Undefined where only its exec was seen. Adoptions are learned when the table is looked at. */
  readonly parentPid: number | undefined;
  /** The kernel's name of the main thread, 15 bytes at most; undefined since its last exec. */
  readonly name: string | undefined;
  /** When it started or was first heard of, in the time of the events. Never changes. */
  readonly sinceMs: number;
  /** Programs that it was seen to begin. */
  readonly execs: number;
  /** When it started as /proc has it, in clock ticks since boot; undefined until looked at. */
  readonly startTicks: number | undefined;
}

/** A process as /proc shows it. */
export interface Entry {
  readonly pid: number;
  readonly parentPid: number;
  readonly name: string;
  /** It runs no program, and its name says what it works at: it changes. */
  readonly kernelThread: boolean;
  readonly startTicks: number;
  /** The same in the time of the events. */
  readonly startMs: number;
}

/**
 * A process that /proc says started later than this after an event is not the one of the event.
 * /proc counts hundredths of seconds, and so does the clock that relates the two times. No pid is
 * given to another process as fast as this: pids are handed out in turn.
 */
export const START_TOLERANCE_MS = 30;

/** Tells whether an entry is of a process that was alive at a time, and not a later one's. */
export function aliveAt(entry: Entry, timeMs: number): boolean {
  return entry.startMs <= timeMs + START_TOLERANCE_MS;
}

/** Is told of each change. */
export type Witness = (
  pid: number,
  before: Process | undefined,
  after: Process | undefined,
) => void;

/**
 * The picture of the living processes. A process lives until its main thread ends: what the kernel
 * keeps afterwards, for its parent or for threads that go on, is a zombie in /proc as well.
 */
export class Table {
  readonly #processes = new Map<number, Process>();
  readonly #witness: Witness;

  constructor(witness: Witness) {
    this.#witness = witness;
  }

  get processes(): ReadonlyMap<number, Process> {
    return this.#processes;
  }

  get(pid: number): Process | undefined {
    return this.#processes.get(pid);
  }

  /** Takes what a report says; false if the picture has nothing of it. */
  apply(event: KernelEvent): boolean {
    const { pid, tid, timeMs } = event;
    if (pid !== tid) return false;
    switch (event.kind) {
      case 'fork': {
        const { parentPid } = event;
        const name = this.get(parentPid)?.name; // a child has its parent's until it has its own
        this.#set({ ...stranger(pid, timeMs), parentPid, name });
        return true;
      }
      case 'exec': {
        // Another thread than the main one may have done it. That one is gone then, with a report
        // of its own, and its pid is the caller's now.
        const record = this.get(pid) ?? stranger(pid, timeMs);
        this.#set({ ...record, name: undefined, execs: record.execs + 1 });
        return true;
      }
      case 'comm':
        this.#rename(pid, event.name);
        return true;
      case 'exit':
        if (this.#processes.has(pid)) this.remove(pid);
        return true;
      default:
        return false;
    }
  }

  /** Puts a process as /proc shows it, in place of an earlier record of the same one. */
  put(entry: Entry, earlier?: Process): void {
    const { pid, parentPid, name, startTicks, startMs } = entry;
    const { sinceMs, execs } = earlier ?? stranger(pid, startMs);
    this.#set({ pid, parentPid, name, sinceMs, execs, startTicks });
  }

  /** Counts a program whose beginning was not seen. */
  addExec(pid: number): void {
    const record = this.get(pid);
    if (record !== undefined) this.#set({ ...record, execs: record.execs + 1 });
  }

  remove(pid: number): void {
    const before = this.get(pid);
    this.#processes.delete(pid);
    this.#witness(pid, before, undefined);
  }

  #rename(pid: number, name: string): void {
    const record = this.get(pid);
    if (record !== undefined) this.#set({ ...record, name });
  }

  #set(record: Process): void {
    const before = this.get(record.pid);
    this.#processes.set(record.pid, record);
    this.#witness(record.pid, before, record);
  }
}

function stranger(pid: number, sinceMs: number): Process {
  return { pid, parentPid: undefined, name: undefined, sinceMs, execs: 0, startTicks: undefined };
}

/**
 * Tells whether the fork of a process that is in the picture is that process's own: a look at /proc
 * may find a process before its fork is reported.
 */
export function sameFork(record: Process, forkMs: number): boolean {
  return Math.abs(record.sinceMs - forkMs) <= START_TOLERANCE_MS;
}

/** Tells whether a record and an entry with its pid are of one process. */
export function sameProcess(record: Process, entry: Entry): boolean {
  if (record.startTicks !== undefined) return record.startTicks === entry.startTicks;
  return aliveAt(entry, record.sinceMs);
}
