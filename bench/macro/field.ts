import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Place } from '../contestants/contestant.ts';
import type { Player } from './player.ts';
import type { Starter } from './starters.ts';
import { Unmeasured } from '../scenario.ts';

/** This build of the library. */
export const ownBuild: URL = new URL('../../', import.meta.url);

/** Another build of the library, measured in the same rounds. */
export const BASELINE = 'baseline';

/** Longer than it should take, ms, a rival may take. */
const ANSWER_MS = 20_000;

/** The contestants that could be started, and why the others could not. */
export class Field {
  readonly #players: Player[] = [];
  readonly #rivals = new Set<Player>();
  readonly #absent: string[] = [];

  /** Those that have not broken down, in the order in which they were started. */
  get players(): readonly Player[] {
    return this.#players;
  }

  /** Who is not measured, or no longer, and why. */
  get absent(): readonly string[] {
    return this.#absent;
  }

  /** Starts one, or notes why it cannot be started. */
  async start(name: string, starter: Starter, place: Place, folder: string): Promise<void> {
    try {
      const player = await starter.start(name, place, folder);
      this.#players.push(player);
      if (starter.rival) this.#rivals.add(player);
    } catch (error) {
      this.#absent.push(`${name}: ${(error as Error).message}`);
    }
  }

  /**
   * Does something with one that takes so many ms. A rival that breaks down or takes much longer
   * is out of the field: undefined, now and from now on.
   */
  async attempt<T>(player: Player, ms: number, work: () => Promise<T>): Promise<T | undefined> {
    if (!this.#rivals.has(player)) return work();
    if (!this.#players.includes(player)) return undefined;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      const limit = ms + ANSWER_MS;
      timer = setTimeout(() => reject(new Error(`no answer for ${limit} ms`)), limit);
    });
    try {
      return await Promise.race([work(), late]);
    } catch (error) {
      this.#absent.push(`${player.name}, from some point on: ${(error as Error).message}`);
      this.#players.splice(this.#players.indexOf(player), 1);
      player.stop();
      return undefined;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Ends them all. */
  stop(): void {
    for (const player of this.#players) player.stop();
  }
}

/** Narrows and widens a field. */
export interface Choice {
  /** Of the rivals, those that it names; undefined: all. */
  readonly only: RegExp | undefined;
  /** The URL of the folder of another build of the library. */
  readonly baseline: URL | undefined;
}

/**
 * Has every contestant started that this machine can run, and measured by `work`, and ends them.
 * The first is ours and never left out; throws `Unmeasured` where it does not start.
 */
export async function withField<T>(
  starters: readonly Starter[],
  { only, baseline }: Choice,
  work: (field: Field) => Promise<T>,
): Promise<T> {
  const folder = makeFolder();
  const field = new Field();
  const [ours] = starters;
  const wanted = starters.filter(({ name }) => name === ours!.name || only?.test(name) !== false);
  try {
    for (const [index, starter] of wanted.entries()) {
      await field.start(starter.name, starter, placeIn(folder, index), folder);
    }
    if (baseline !== undefined) {
      await field.start(BASELINE, ours!, placeIn(folder, wanted.length, baseline), folder);
    }
    if (field.players[0]?.name !== ours!.name) throw new Unmeasured(field.absent[0]);
    return await work(field);
  } finally {
    field.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A folder for sockets and the compiled C. */
export function makeFolder(): string {
  return mkdtempSync('/tmp/connector-rpc-bench-');
}

/** Where the contestant with this index of a field is, so that no two are at one place. */
export function placeIn(folder: string, index: number, build: URL = ownBuild): Place {
  const number = (process.pid % 10_000) * 16 + index;
  const port = 20_000 + (number % 40_000);
  return {
    path: join(folder, `${index}.sock`),
    port,
    through: port,
    portid: 0x40000000 + number,
    datagramMax: undefined,
    build: build.href,
  };
}
