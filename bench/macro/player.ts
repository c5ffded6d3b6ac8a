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
  const side = async (role: string): Promise<ChildProcess> => {
    const child = fork(peer, [role, module.href, JSON.stringify(place)], {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      serialization: 'advanced',
    });
    await ready(name, child, once(child, 'message'));
    return child;
  };
  const server = await side('serve');
  const client = await side('connect').catch((error: unknown) => {
    server.kill();
    throw error;
  });
  const measure = async (load: Load): Promise<Score> => {
    const scored = once(client, 'message');
    client.send(load);
    return (await ready(name, client, scored))[0] as Score;
  };
  return playerOf(name, [client, server], measure);
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
