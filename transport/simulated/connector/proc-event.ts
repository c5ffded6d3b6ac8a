import { LITTLE_ENDIAN, Slab } from '../../../core/slab.ts';

/** A thread by its process: `pid` is the thread's own number, `tgid` the process's (KF §7.1). */
export interface Task {
  readonly pid: number;
  readonly tgid: number;
}

/** What happened to a process, as cn_proc tells it (KF §7.1). */
export type ProcEvent =
  | { readonly what: 'fork'; readonly parent: Task; readonly child: Task }
  | { readonly what: 'exec' | 'sid'; readonly task: Task }
  | {
      readonly what: 'uid' | 'gid';
      readonly task: Task;
      readonly real: number;
      readonly effective: number;
    }
  | { readonly what: 'ptrace'; readonly task: Task; readonly tracer: Task }
  | { readonly what: 'comm'; readonly task: Task; readonly comm: string }
  | { readonly what: 'coredump'; readonly task: Task; readonly parent: Task }
  | {
      readonly what: 'exit';
      readonly task: Task;
      /** A wait status: 7 << 8 for exit(7), 9 for SIGKILL. */
      readonly code: number;
      readonly signal: number;
      readonly parent: Task;
    };

/** The bits of `what`, which filters are made of as well. */
export const procEventBits = {
  none: 0,
  fork: 1,
  exec: 2,
  uid: 4,
  gid: 0x40,
  sid: 0x80,
  ptrace: 0x100,
  comm: 0x200,
  nonzeroExit: 0x2000_0000,
  coredump: 0x4000_0000,
  exit: 0x8000_0000,
} as const;

/** sizeof(struct proc_event). */
const LENGTH = 40;
const CPU = 4;
const TIMESTAMP = 8;
const DATA = 16;
const COMM_MAX = 16;
const NS_PER_MS = 1e6;

/** Writes `struct proc_event` for what happened at `nowMs`; a CPU of -1 is "none". */
export function encodeProcEvent(event: ProcEvent, cpu: number, nowMs: number): Uint8Array {
  const slab = head(procEventBits[event.what], cpu, nowMs);
  words(event).forEach((word, at) => {
    slab.view.setUint32(DATA + 4 * at, word >>> 0, LITTLE_ENDIAN);
  });
  if (event.what === 'comm') {
    const name = new TextEncoder().encode(event.comm).subarray(0, COMM_MAX - 1);
    slab.bytes.set(name, DATA + 8);
  }
  return slab.bytes;
}

/** Writes the acknowledgement of a request; `error` is a positive error number, 0 for none. */
export function encodeProcAck(error: number, cpu: number, nowMs: number): Uint8Array {
  const slab = head(procEventBits.none, cpu, nowMs);
  slab.view.setUint32(DATA, error, LITTLE_ENDIAN);
  return slab.bytes;
}

function head(what: number, cpu: number, nowMs: number): Slab {
  const slab = new Slab(LENGTH);
  const { view } = slab;
  const ns = Math.round(nowMs * NS_PER_MS);
  const [low, high] = [ns % 2 ** 32, Math.floor(ns / 2 ** 32)];
  view.setUint32(0, what, LITTLE_ENDIAN);
  view.setInt32(CPU, cpu, LITTLE_ENDIAN);
  view.setUint32(TIMESTAMP + (LITTLE_ENDIAN ? 0 : 4), low, LITTLE_ENDIAN);
  view.setUint32(TIMESTAMP + (LITTLE_ENDIAN ? 4 : 0), high, LITTLE_ENDIAN);
  return slab;
}

function words(event: ProcEvent): number[] {
  switch (event.what) {
    case 'fork':
      return [...pair(event.parent), ...pair(event.child)];
    case 'exec':
    case 'sid':
    case 'comm':
      return pair(event.task);
    case 'uid':
    case 'gid':
      return [...pair(event.task), event.real, event.effective];
    case 'ptrace':
      return [...pair(event.task), ...pair(event.tracer)];
    case 'coredump':
      return [...pair(event.task), ...pair(event.parent)];
    case 'exit':
      return [...pair(event.task), event.code, event.signal, ...pair(event.parent)];
  }
}

function pair({ pid, tgid }: Task): number[] {
  return [pid, tgid];
}
