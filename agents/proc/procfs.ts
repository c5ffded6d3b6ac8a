import { closeSync, openSync, readdirSync, readFileSync, readlinkSync, readSync } from 'node:fs';
import { ConnectorError } from '../../core/errors.ts';
import { aliveAt, type Entry } from './table.ts';

/** Clock ticks a second as /proc shows them: USER_HZ, 100 on every machine that Node runs on. */
const TICKS = 100;
/** Of a command line only the beginning is read. */
const COMMAND_MAX = 4096;
/** Bytes of /proc/PID/stat: under 400 for a name of 64. */
const STAT_MAX = 1024;
/** In the flags of /proc/PID/stat: PF_KTHREAD of linux/sched.h. */
const KERNEL_THREAD = 0x0020_0000;
/** The inodes of the first namespaces of a machine: linux/proc_ns.h. */
const FIRST = {
  pid: 'pid:[4026531836]',
  user: 'user:[4026531837]',
  time: 'time:[4026531834]',
} as const;

const buffer = Buffer.alloc(Math.max(COMMAND_MAX, STAT_MAX));

/** What can be said of a pid at the time of an event. */
export type Description =
  | {
      readonly known: true;
      /** The kernel's name: 15 bytes at most. */
      readonly name: string;
      /** The arguments; empty for threads of the kernel, and who has overwritten them. */
      readonly command: readonly string[];
      readonly parentPid: number;
    }
  | {
      readonly known: false;
      /** `gone`: it has ended. `reused`: the pid is another process's by now. */
      readonly why: 'gone' | 'reused' | 'hidden';
    };

/**
 * A namespace, other than the machine's first, because of which a watch cannot work: cn_proc does
 * not answer from another pid or user namespace (KF §1.5), and in another time namespace the clock
 * is not that of its stamps.
 */
export function foreignNamespace(): keyof typeof FIRST | undefined {
  for (const kind of ['pid', 'user', 'time'] as const) {
    try {
      if (readlinkSync(`/proc/self/ns/${kind}`) !== FIRST[kind]) return kind;
    } catch {
      continue; // not told: then only silence will show it
    }
  }
  return undefined;
}

/** Why /proc cannot show all processes; undefined if it can. */
export function hiddenProcesses(): string | undefined {
  const why = readStat(1);
  if (typeof why === 'object') return undefined;
  return why === 'hidden'
    ? 'it is mounted with hidepid, and this process is not in the group that may see all'
    : 'process 1 is not in it: not mounted, mounted with hidepid, or that of another namespace';
}

/** The CPUs that are online, by number. */
export function onlineCpus(): number[] {
  let list: string;
  try {
    list = readFileSync('/sys/devices/system/cpu/online', 'latin1');
  } catch {
    return [0];
  }
  return list.trim().split(',').flatMap((range) => {
    const [first = 0, last = first] = range.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}

/** What to subtract from the time since boot to get CLOCK_MONOTONIC, which stops in suspend, ms. */
export function bootOffset(monotonicMs: number): number {
  const [uptime = ''] = readFileSync('/proc/uptime', 'latin1').split(' ');
  return Number(uptime) * 1000 - monotonicMs;
}

/** The pids in /proc. Each process that lives from before to after the call is among them. */
export function listPids(): number[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number);
}

/**
 * Reads a living process; undefined for one that is gone or a zombie. Throws `refused` where /proc
 * does not tell.
 */
export function readEntry(pid: number, offsetMs: number): Entry | undefined {
  const stat = readStat(pid);
  if (stat === 'hidden') throw new ConnectorError('refused', `/proc/${pid}/stat is not for us`);
  return typeof stat === 'object' ? entry(pid, stat, offsetMs) : undefined;
}

/**
 * Reads what a process is, if it still is the one that lived at `timeMs`. A process that holds the
 * pid now and started before then held it then, for nobody else can. It is looked at again after
 * its command line was read, which might have been a successor's.
 */
export function describe(pid: number, timeMs: number, offsetMs: number): Description {
  const stat = readStat(pid);
  if (typeof stat === 'string') return { known: false, why: stat };
  const found = entry(pid, stat, offsetMs);
  if (found === undefined) return { known: false, why: 'gone' };
  if (!aliveAt(found, timeMs)) return { known: false, why: 'reused' };
  const length = read(`/proc/${pid}/cmdline`, COMMAND_MAX);
  const text = typeof length === 'number' ? buffer.toString('utf8', 0, length) : '';
  const again = readStat(pid);
  const same = typeof again === 'object' && again[START] === stat[START] && !ended(again);
  if (!same) return { known: false, why: 'gone' };
  const { name, parentPid } = found;
  return { known: true, name, command: splitCommand(text), parentPid };
}

/** Each argument ends with a zero byte. */
function splitCommand(text: string): string[] {
  const parts = text.split('\0');
  if (parts.at(-1) === '') parts.pop();
  return parts;
}

/** Fields of /proc/PID/stat, counted from the state, which follows the name. */
const STATE = 0;
const PARENT = 1;
const FLAGS = 6;
const START = 19;

/** The name, and then the fields after it. */
type Stat = readonly string[] & { readonly name: string };

function entry(pid: number, stat: Stat, offsetMs: number): Entry | undefined {
  if (ended(stat)) return undefined;
  const startTicks = Number(stat[START]);
  return {
    pid,
    parentPid: Number(stat[PARENT]),
    name: stat.name,
    kernelThread: (Number(stat[FLAGS]) & KERNEL_THREAD) !== 0,
    startTicks,
    startMs: (startTicks * 1000) / TICKS - offsetMs,
  };
}

function ended(stat: Stat): boolean {
  return stat[STATE] === 'Z' || stat[STATE] === 'X';
}

function readStat(pid: number): Stat | 'gone' | 'hidden' {
  const length = read(`/proc/${pid}/stat`, STAT_MAX);
  if (typeof length === 'string') return length;
  const text = buffer.toString('utf8', 0, length);
  // The name stands in parentheses and may have some of its own, and spaces.
  const open = text.indexOf('(');
  const close = text.lastIndexOf(')');
  if (open < 0 || close < open) return 'gone';
  return Object.assign(text.slice(close + 2).split(' '), { name: text.slice(open + 1, close) });
}

/**
 * Reads the beginning of a file into `buffer`; gives its length, or why it cannot be read. Throws
 * `unavailable` for what says nothing about the process, like a want of descriptors.
 */
function read(path: string, most: number): number | 'gone' | 'hidden' {
  let file: number | undefined;
  try {
    file = openSync(path, 'r');
    return readSync(file, buffer, 0, most, 0);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return 'gone';
    if (code === 'EACCES' || code === 'EPERM') return 'hidden';
    throw new ConnectorError('unavailable', `${path} cannot be read: ${code}`, { cause: error });
  } finally {
    if (file !== undefined) closeSync(file);
  }
}
