import { fork, type ChildProcess } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { NO_EVENTS, type SeedResult } from './result.ts';

/** A seed that takes longer than this, in real time, hangs. */
const HANGS_MS = 60_000;

/** Whole numbers from `first` to `last`. */
export interface Seeds {
  readonly first: number;
  readonly last: number;
}

/** What whoever runs seeds wants to hear and say. */
export interface PoolOptions {
  /** Called with each result, in the order in which seeds end. */
  readonly done: (result: SeedResult) => void;
  /** Start no more seeds after the first that fails. */
  readonly untilFailure: boolean;
  readonly interruption: AbortSignal;
}

/** Plays seeds in as many processes as there are processors; gives the results in seed order. */
export async function playSeeds(seeds: Seeds, options: PoolOptions): Promise<SeedResult[]> {
  const { first, last } = seeds;
  const { done, untilFailure, interruption } = options;
  const results: SeedResult[] = [];
  let next = first;
  let failed = false;
  const hand = async (): Promise<void> => {
    let player = new Player();
    while (next <= last && !interruption.aborted && !(untilFailure && failed)) {
      const result = await player.play(next++, interruption);
      if (result === undefined) break;
      if (!player.alive) player = new Player();
      results.push(result);
      failed ||= result.violations.length > 0;
      done(result);
    }
    player.end();
  };
  const hands = Math.min(availableParallelism(), last - first + 1);
  await Promise.all(Array.from({ length: hands }, hand));
  return results.sort((left, right) => left.seed - right.seed);
}

/** One process that plays seeds. A seed that ends it, or hangs, has failed. */
class Player {
  readonly #child: ChildProcess;
  alive = true;

  constructor() {
    // Only compiled code runs, so the name of the compiled file is right.
    this.#child = fork(new URL('worker.js', import.meta.url), [], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
  }

  /** Undefined where it was interrupted. */
  play(seed: number, interruption: AbortSignal): Promise<SeedResult | undefined> {
    const child = this.#child;
    return new Promise((resolve) => {
      const finish = (result: SeedResult | undefined): void => {
        clearTimeout(watchdog);
        interruption.removeEventListener('abort', abort);
        child.off('message', finish).off('exit', exit).off('error', broken);
        resolve(result);
      };
      const fail = (what: string): void => {
        this.end();
        finish(lost(seed, what));
      };
      const exit = (code: number | null, signal: string | null): void =>
        fail(`its process ended by itself (${signal ?? `exit code ${code}`})`);
      const broken = (error: Error): void => fail(`its process failed: ${error.message}`);
      const abort = (): void => {
        this.end();
        finish(undefined);
      };
      const watchdog = setTimeout(() => fail(`it takes over ${HANGS_MS / 1000} s`), HANGS_MS);
      interruption.addEventListener('abort', abort, { once: true });
      child.on('message', finish).on('exit', exit).on('error', broken);
      child.send(seed);
    });
  }

  end(): void {
    this.alive = false;
    this.#child.kill('SIGKILL');
  }
}

function lost(seed: number, what: string): SeedResult {
  const events = NO_EVENTS;
  return { seed, violations: [what], calls: 0, events, faults: {}, virtualMs: 0, digest: '' };
}
