import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import type { Place } from '../contestants/contestant.ts';
import type { Answers, Question } from '../contestants/questions.ts';
import { Unmeasured } from '../scenario.ts';

/** Of what a process says before it ends, the line that says why. */
const TELLING = /^\s*\w*error\b.*:|result\.error|cannot|not found/i;

/** One side of a contestant: a process that answers one question at a time. */
export interface Side {
  ask<Kind extends Question['kind']>(
    question: Question & { readonly kind: Kind },
  ): Promise<Answers[Kind]>;
  /** Processor time so far, ms. */
  spentMs(): number;
  /** Ends the process, by its own id. */
  stop(): void;
}

/** Starts a side written for Node. Rejects if it ends before it is ready. */
export async function startSide(
  name: string,
  role: 'serve' | 'connect',
  module: URL,
  place: Place,
): Promise<Side> {
  const peer = new URL('../contestants/peer.js', import.meta.url);
  const child = await forkReady(name, peer, [role, module.href, JSON.stringify(place)]);
  return {
    ask: async <Kind extends Question['kind']>(question: Question) => {
      const { answered } = await ask<{ answered: Answers[Kind] }>(name, child, question);
      return answered;
    },
    spentMs: () => processorMs(child.pid!),
    // Not by a signal: it has to end what it started itself.
    stop: () => {
      if (child.connected) child.disconnect();
    },
  };
}

/** Starts a program of ours as a process of its own; resolves when it has said that it is up. */
export async function forkReady(
  name: string,
  program: URL,
  operands: readonly string[],
): Promise<ChildProcess> {
  const child = fork(program, operands, {
    execArgv: ['--enable-source-maps', '--expose-gc'],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    serialization: 'advanced',
  });
  await unlessEnded(name, child, once(child, 'message'));
  return child;
}

/** Gives such a process an order; resolves with its answer. */
export async function ask<T>(name: string, child: ChildProcess, order: object): Promise<T> {
  const answered = once(child, 'message');
  child.send(order);
  return (await unlessEnded(name, child, answered))[0] as T;
}

/** The processor time of all threads of a process so far: what the scheduler counts, exactly. */
export function processorMs(pid: number): number {
  const threads = `/proc/${pid}/task`;
  let nanoseconds = 0;
  for (const thread of readdirSync(threads)) {
    nanoseconds += Number(readFileSync(`${threads}/${thread}/schedstat`, 'utf8').split(' ')[0]);
  }
  return nanoseconds / 1e6;
}

/** Waits for an event of a process, or for its untimely end. */
export async function unlessEnded<T>(
  name: string,
  child: ChildProcess,
  event: Promise<T>,
): Promise<T> {
  let said = '';
  const listen = (chunk: Buffer): void => {
    said += chunk.toString();
  };
  child.stderr?.on('data', listen);
  const ended = new AbortController();
  const end = once(child, 'exit', { signal: ended.signal }).then(() => {
    const [why = ''] = said.split('\n').filter((line) => TELLING.test(line));
    throw new Unmeasured(`${name} ended: ${why.trim() || said.trim().split('\n').at(-1)}`);
  });
  try {
    return await Promise.race([event, end]);
  } finally {
    end.catch(() => {});
    ended.abort();
    child.stderr?.off('data', listen);
  }
}
