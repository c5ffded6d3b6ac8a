import { constants } from 'node:os';
import type { LostEvent, Process, ProcEvent, ProcStats } from '../../agents/proc/proc.ts';
import type { Crowd, Person } from './crowd.ts';

const causes: Readonly<Record<LostEvent['cause'], string>> = {
  queue: 'the receive queue was full',
  memory: 'the kernel had no memory for them',
  consumer: 'this program was too slow',
  muted: 'somebody had turned process events off',
};

/** The columns before the text, and what begins the table. */
const HEAD = 'time          event        pid  ';
export const legend: string = `${HEAD}what (~ found out after a loss)`;

/** One event as a line of at most `columns`. */
export function eventLine(
  event: ProcEvent,
  person: Person | undefined,
  depth: number,
  wallMs: number,
  columns: number,
): string {
  const mark = 'recovered' in event && event.recovered ? '~' : ' ';
  const pid = 'pid' in event ? String(event.pid) : '';
  const indent = '  '.repeat(depth);
  const head = `${clock(wallMs)} ${mark}${event.kind.padEnd(8)} ${pid.padStart(7)}  `;
  return cut(`${head}${indent}${printable(what(event, person))}`, columns);
}

function what(event: ProcEvent, person: Person | undefined): string {
  const command = person?.command ?? `(${person?.unknown ?? 'unknown'})`;
  switch (event.kind) {
    case 'fork':
      return event.pid === event.tid
        ? `${command}  (by ${event.parentPid || 'an unknown parent'})`
        : `thread ${event.tid} of ${command}`;
    case 'exec':
    case 'sid':
    case 'coredump':
      return command;
    case 'exit':
      return `${howItEnded(event, person)}${threadOf(event)}  ${command}`;
    case 'uid':
      return `real ${event.realUid}, effective ${event.effectiveUid}  ${command}`;
    case 'gid':
      return `real ${event.realGid}, effective ${event.effectiveGid}  ${command}`;
    case 'ptrace':
      return event.tracerPid === undefined
        ? `no longer traced  ${command}`
        : `traced by ${event.tracerPid}  ${command}`;
    case 'comm':
      return `named ${JSON.stringify(event.name)}${threadOf(event)}  ${command}`;
    case 'lost':
      return `${event.count === undefined ? 'events' : count(event.count, 'event')}: `
        + causes[event.cause];
    case 'restored':
      return 'the living processes are known again';
  }
}

function threadOf({ pid, tid }: { readonly pid: number; readonly tid: number }): string {
  return pid === tid ? '' : ` thread ${tid}`;
}

function howItEnded(
  { code, signal, coreDumped, timeMs, recovered }: Extract<ProcEvent, { readonly kind: 'exit' }>,
  person: Person | undefined,
): string {
  if (recovered) return 'ended somehow';
  const how = signal === undefined ? `code ${code}` : signalName(signal);
  const age = person?.command === undefined ? '' : ` after ${duration(timeMs - person.sinceMs)}`;
  return `${how}${coreDumped ? ' (core dumped)' : ''}${age}`;
}

function signalName(number: number): string {
  const [name] = Object.entries(constants.signals).find(([, value]) => value === number) ?? [];
  return name ?? `signal ${number}`;
}

/** The tree of who lives, each below its parent, as lines of at most `columns`. */
export function treeLines(
  living: ReadonlyMap<number, Process>,
  crowd: Crowd,
  columns: number,
): string[] {
  const children = new Map<number, number[]>();
  const roots: number[] = [];
  for (const { pid, parentPid } of [...living.values()].sort((a, b) => a.pid - b.pid)) {
    if (parentPid === undefined || !living.has(parentPid) || parentPid === pid) roots.push(pid);
    else children.set(parentPid, [...(children.get(parentPid) ?? []), pid]);
  }
  const lines: string[] = [];
  // By a stack and not by recursion: a chain of processes may be as long as there are pids.
  const stack = roots.reverse().map((pid) => ({ pid, depth: 0 }));
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    const { pid, depth } = next;
    const person = crowd.get(pid);
    const command = person?.command ?? living.get(pid)?.name ?? '(unknown)';
    const head = `${'  '.repeat(Math.min(depth, 16))}${pid}  `;
    lines.push(cut(head + printable(command), columns));
    for (const child of (children.get(pid) ?? []).reverse()) {
      stack.push({ pid: child, depth: depth + 1 });
    }
  }
  return lines;
}

/** What is said at the end. */
export interface Summary extends ProcStats {
  readonly shown: number;
  readonly seconds: number;
  readonly living: number | undefined;
  readonly spoofed: number;
  readonly unreadable: number;
  readonly settled: boolean;
}

/** The summary in words. */
export function summaryLines(summary: Summary): string[] {
  const { events, shown, seconds, living, lostQueue, lostMemory, lostConsumer, missing } = summary;
  const { recovered, looks, mutes, spoofed, unreadable, settled } = summary;
  const live = living === undefined ? '' : `; ${count(living, 'process', 'processes')} live`;
  const nothing = lostQueue + lostMemory + lostConsumer + mutes === 0;
  return [
    `${count(events, 'event')} in ${seconds.toFixed(1)} s, ${shown} shown${live}`,
    ...(nothing ? ['nothing was lost'] : [
      `lost: ${lostQueue} in the receive queue, by the kernel's drop counter`,
      ...(missing === undefined ? [] : [
        `      ${missing} in all, by the kernel's per-CPU numbers`,
      ]),
      `      ${lostMemory} for want of kernel memory, ${lostConsumer} because this was too slow`,
      ...(mutes === 0 ? [] : [
        `      and unknown how many while they were turned off (${count(mutes, 'time')})`,
      ]),
      `recovered: ${count(recovered, 'event')} by ${count(looks - 1, 'look')} at /proc`,
    ]),
    ...(unreadable === 0 ? [] : [`${count(unreadable, 'command')} could not be read in time`]),
    ...(spoofed === 0 ? [] : [`${count(spoofed, 'datagram')} not from the kernel refused`]),
    ...(settled ? [] : ['the events did not cease to be lost: this is not the last word']),
  ];
}

function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`;
}

function duration(ms: number): string {
  if (ms < 1000) return `${Math.max(0, ms).toFixed(1)} ms`;
  const seconds = ms / 1000;
  return seconds < 600 ? `${seconds.toFixed(1)} s` : `${Math.round(seconds / 60)} min`;
}

function clock(wallMs: number): string {
  const time = new Date(wallMs);
  const two = (value: number): string => String(value).padStart(2, '0');
  const millis = String(time.getMilliseconds()).padStart(3, '0');
  const [hours, minutes, seconds] = [time.getHours(), time.getMinutes(), time.getSeconds()];
  return `${two(hours)}:${two(minutes)}:${two(seconds)}.${millis}`;
}

/** Command lines are strangers' text: what could steer the terminal is not printed. */
function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}]/gu, '?');
}

function cut(text: string, columns: number): string {
  const characters = [...text];
  return characters.length <= columns ? text : `${characters.slice(0, columns - 3).join('')}...`;
}
