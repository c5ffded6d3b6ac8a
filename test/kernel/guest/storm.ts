import { setTimeout } from 'node:timers/promises';
import { dropsByProc, livingByProc, Shell } from '../../integration/own-processes.ts';

/**
 * Short processes, each reported by its fork and its exit, into a queue that holds two or three
 * reports: thousands are lost in hundreds of overruns. A thousand takes some 6 s of an emulated
 * processor, most of it for the reader, and the whole run is to take less than 5 minutes; 50,000
 * are for this machine's own kernel (test/integration, CNRPC_STORM).
 */
export const FORKS = 2_000;
/** How long nothing may move for all to be known: looks at /proc pause for less. */
const STILL_MS = 1000;

/** Whom a storm left behind: one that ended in it, and one that lives on. */
export interface Left {
  readonly ending: number;
  readonly staying: number;
}

/** Forks so often, half of it from a shell for each processor; ends them after the body. */
export async function storm<T>(forks: number, body: (left: Left) => Promise<T>): Promise<T> {
  const [one, other] = [new Shell(), new Shell()];
  try {
    const ending = Number(await one.run('sleep 1000 & echo -n $!'));
    await Promise.all([one, other].map((shell) => shell.storm(forks / 2)));
    await one.run(`kill ${ending}; wait`);
    const staying = Number(await other.run('sleep 1000 & echo -n $!'));
    return await body({ ending, staying });
  } finally {
    await Promise.all([one.end(), other.end()]);
  }
}

/** What the kernel itself shows: the drops of a socket, and who lives. */
export interface Moment {
  readonly drops: number | undefined;
  readonly living: string;
}

/** Looks at /proc. */
export function look(portid: number): Moment {
  return { drops: dropsByProc(portid), living: inOrder(livingByProc()) };
}

/** Waits until nothing has moved for a while; gives what the kernel shows then. */
export async function stillness(portid: number): Promise<Moment> {
  for (let before = look(portid); ;) {
    await setTimeout(STILL_MS);
    const after = look(portid);
    if (same(before, after)) return after;
    before = after;
  }
}

/** Whether nothing moved between two looks. */
export function same(one: Moment, other: Moment): boolean {
  return one.drops === other.drops && one.living === other.living;
}

/** Process ids as a text, to be compared. */
export function inOrder(pids: Iterable<number>): string {
  return [...pids].sort((a, b) => a - b).join();
}
