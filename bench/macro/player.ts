import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Place } from '../contestants/contestant.ts';
import type { Load, Score } from '../contestants/measure.ts';
import { processorMs, startSide, unlessEnded, type Side } from './side.ts';

/** What one takes both sides together, in microseconds of processor time, all threads. */
export interface Cost {
  readonly cpuUs: number;
}

/** A contestant that is up: both its sides run, and wait while others are measured. */
export interface Player {
  readonly name: string;
  /** Has the clients connect anew, in place of the connections before. */
  readonly dial: () => Promise<void>;
  readonly measure: (load: Load) => Promise<Score & Cost>;
  /** Ends its processes, by their own ids. */
  readonly stop: () => void;
}

/** Says how many clients a contestant has, and what they hold before they are measured. */
export interface Crowd {
  readonly clients: number;
  /** Sessions of all of them together; undefined: they have opened what they need. */
  readonly sessions: number | undefined;
}

const ALONE: Crowd = { clients: 1, sessions: undefined };

/** Starts the sides of a contestant written for Node. Rejects if one ends before it is ready. */
export async function startNode(
  name: string,
  module: URL,
  place: Place,
  { clients: count, sessions }: Crowd = ALONE,
): Promise<Player> {
  const sides: Side[] = [];
  const stop = (): void => {
    for (const side of sides) side.stop();
  };
  try {
    sides.push(await startSide(name, 'serve', module, place));
    for (let client = 0; client < count; client++) {
      sides.push(await startSide(name, 'connect', module, place));
    }
    const clients = sides.slice(1);
    if (sessions !== undefined) {
      const shares = sharesOf(sessions, count);
      await Promise.all(clients.map((side, at) => side.ask({ kind: 'fill', count: shares[at]! })));
    }
    const measure = async (load: Load): Promise<Score> => {
      const shares = sharesOf(load.inFlight, count);
      return together(await Promise.all(clients.map((side, at) =>
        side.ask({ kind: 'measure', load: { ...load, inFlight: shares[at]! } }))));
    };
    const dial = async (): Promise<void> => {
      await Promise.all(clients.map((side) => side.ask({ kind: 'dial' })));
    };
    const spentMs = (): number => sides.reduce((sum, side) => sum + side.spentMs(), 0);
    return { name, dial, measure: costed(spentMs, measure), stop };
  } catch (error) {
    stop();
    throw error;
  }
}

/** Starts a contestant written in C: a client, and a server where there is a role for it. */
export async function startNative(
  name: string,
  binary: string,
  place: Place,
  [clientRole, serverRole]: readonly [string, string?],
  where: { readonly client: number; readonly server: number } = {
    client: place.portid,
    server: place.portid,
  },
): Promise<Player> {
  const side = async (role: string, number: number): Promise<ChildProcess> => {
    const child = spawn(binary, [role, String(number)], { stdio: ['pipe', 'pipe', 'pipe'] });
    await unlessEnded(name, child, once(child.stdout, 'data'));
    return child;
  };
  const servers = serverRole === undefined ? [] : [await side(serverRole, where.server)];
  const client = await side(clientRole, where.client);
  const lines = createInterface({ input: client.stdout! });
  const order = async (line: string): Promise<string> => {
    const said = once(lines, 'line');
    client.stdin!.write(`${line}\n`);
    return String((await unlessEnded(name, client, said))[0]);
  };
  const dial = async (): Promise<void> => void (await order('dial'));
  const measure = async ({ size, inFlight, ms, patienceMs }: Load): Promise<Score> => {
    const line = await order([size, inFlight, ms, patienceMs ?? []].flat().join(' '));
    const [done, took, open = 0, p50, p99, p999] = line.split(' ').map(Number);
    return { done: done!, perSecond: (done! * 1000) / took!, open, p50, p99, p999 };
  };
  const sides = [client, ...servers];
  const spentMs = (): number => sides.reduce((sum, { pid }) => sum + processorMs(pid!), 0);
  const stop = (): void => {
    for (const each of sides) each.kill();
  };
  return { name, dial, measure: costed(spentMs, measure), stop };
}

function costed(
  spentMs: () => number,
  measure: (load: Load) => Promise<Score>,
): (load: Load) => Promise<Score & Cost> {
  return async (load) => {
    const before = spentMs();
    const score = await measure(load);
    return { ...score, cpuUs: ((spentMs() - before) * 1000) / Math.max(score.done, 1) };
  };
}

/** Divides a number into parts as equal as can be. */
function sharesOf(total: number, parts: number): number[] {
  return Array.from({ length: parts }, (_, part) =>
    Math.floor(((part + 1) * total) / parts) - Math.floor((part * total) / parts));
}

/** What clients did side by side. Of latencies, those of the first: they share the server. */
function together(scores: readonly Score[]): Score {
  const sum = (of: (score: Score) => number): number =>
    scores.reduce((total, score) => total + of(score), 0);
  return {
    ...scores[0]!,
    done: sum(({ done }) => done),
    perSecond: sum(({ perSecond }) => perSecond),
    open: sum(({ open }) => open),
  };
}
