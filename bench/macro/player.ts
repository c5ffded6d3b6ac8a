import { fork, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Load, Place, Score } from './contestant.ts';

/** What a call costs both sides together, in microseconds of processor time, all threads. */
export interface Cost {
  readonly cpuUsPerCall: number;
}

/** A contestant that is up: both its sides run, and wait while others are measured. */
export interface Player {
  readonly name: string;
  readonly measure: (load: Load) => Promise<Score & Cost>;
  /** Ends both processes, by their own ids. */
  readonly stop: () => void;
}

/** Starts both sides of a contestant written for Node. Rejects if one ends before it is ready. */
export async function startNode(name: string, module: URL, place: Place): Promise<Player> {
  const peer = new URL('peer.js', import.meta.url);
  const side = (role: string): Promise<ChildProcess> =>
    forkReady(name, peer, [role, module.href, JSON.stringify(place)]);
  const server = await side('serve');
  const client = await side('connect').catch((error: unknown) => {
    server.kill();
    throw error;
  });
  return playerOf(name, [client, server], (load) => ask<Score>(name, client, load));
}

/** Starts a program of ours as a process of its own; resolves when it has said that it is up. */
export async function forkReady(
  name: string,
  program: URL,
  operands: readonly string[],
): Promise<ChildProcess> {
  const child = fork(program, operands, {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    serialization: 'advanced',
  });
  await ready(name, child, once(child, 'message'));
  return child;
}

/** Gives such a process an order; resolves with its answer. */
export async function ask<T>(name: string, child: ChildProcess, order: object): Promise<T> {
  const answered = once(child, 'message');
  child.send(order);
  return (await ready(name, child, answered))[0] as T;
}

/** Starts both sides of the C ping-pong. */
export async function startNative(name: string, binary: string, place: Place): Promise<Player> {
  const side = async (role: string): Promise<ChildProcess> => {
    const child = spawn(binary, [role, String(place.portid)], { stdio: ['pipe', 'pipe', 'pipe'] });
    await ready(name, child, once(child.stdout, 'data'));
    return child;
  };
  const server = await side('serve');
  const client = await side('call');
  const lines = createInterface({ input: client.stdout! });
  const measure = async ({ size, inFlight, ms }: Load): Promise<Score> => {
    const said = once(lines, 'line');
    client.stdin!.write(`${size} ${inFlight} ${ms}\n`);
    const [calls, took] = String((await ready(name, client, said))[0]).split(' ').map(Number);
    const callsPerSecond = (calls! * 1000) / took!;
    return { calls: calls!, callsPerSecond, p50: undefined, p99: undefined };
  };
  return playerOf(name, [client, server], measure);
}

function playerOf(
  name: string,
  sides: readonly ChildProcess[],
  score: (load: Load) => Promise<Score>,
): Player {
  const spentMs = (): number => sides.reduce((sum, { pid }) => sum + processorMs(pid!), 0);
  return {
    name,
    measure: async (load) => {
      const before = spentMs();
      const scored = await score(load);
      return { ...scored, cpuUsPerCall: ((spentMs() - before) * 1000) / scored.calls };
    },
    stop: () => {
      for (const side of sides) side.kill();
    },
  };
}

/** The processor time of all threads of a process so far: what the scheduler counts, exactly. */
function processorMs(pid: number): number {
  const threads = `/proc/${pid}/task`;
  let nanoseconds = 0;
  for (const thread of readdirSync(threads)) {
    nanoseconds += Number(readFileSync(`${threads}/${thread}/schedstat`, 'utf8').split(' ')[0]);
  }
  return nanoseconds / 1e6;
}

/** Waits for an event of a process, or for its untimely end. */
async function ready<T>(name: string, child: ChildProcess, event: Promise<T>): Promise<T> {
  let said = '';
  const listen = (chunk: Buffer): void => {
    said += chunk.toString();
  };
  child.stderr?.on('data', listen);
  const ended = new AbortController();
  const end = once(child, 'exit', { signal: ended.signal }).then(() => {
    const [why = ''] = said.split('\n').filter((line) => /error|cannot|not found/i.test(line));
    throw new Error(`${name} ended: ${why.trim() || said.trim().split('\n').at(-1)}`);
  });
  try {
    return await Promise.race([event, end]);
  } finally {
    end.catch(() => {});
    ended.abort();
    child.stderr?.off('data', listen);
  }
}
