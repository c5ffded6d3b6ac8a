import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Place } from '../contestants/contestant.ts';
import { startNative, startNode, type Crowd, type Player } from './player.ts';
import { Unmeasured } from '../scenario.ts';

/** The folder bench/rivals, seen from dist/bench/macro. */
const rivals = new URL('../../../bench/rivals/', import.meta.url);
/** This build of the library. */
export const ownBuild: URL = new URL('../../', import.meta.url);

/** The name that the others are compared with. */
export const OURS = 'connector-rpc';

/** Another build of the library, measured in the same rounds. */
export const BASELINE = 'baseline';

/** A way to start a contestant. */
export interface Starter {
  readonly name: string;
  readonly start: (name: string, place: Place, folder: string) => Promise<Player>;
}

/** The contestants that could be started, and why the others could not. */
export interface Field {
  readonly players: readonly Player[];
  readonly absent: readonly string[];
  /** Ends them all. */
  readonly stop: () => void;
}

/** Narrows and widens a field. */
export interface Choice {
  /** Of the rivals, those that it names; undefined: all. */
  readonly only: RegExp | undefined;
  /** The URL of the folder of another build of the library. */
  readonly baseline: URL | undefined;
}

/**
 * Starts every contestant that this machine can run. The first is ours and never left out; throws
 * `Unmeasured` where it does not start.
 */
export async function startField(
  starters: readonly Starter[],
  { only, baseline }: Choice,
): Promise<Field> {
  const folder = makeFolder();
  const players: Player[] = [];
  const absent: string[] = [];
  let started = 0;
  const start = async (name: string, build: URL, starter: Starter): Promise<void> => {
    try {
      players.push(await starter.start(name, placeIn(folder, started++, build), folder));
    } catch (error) {
      absent.push(`${name}: ${(error as Error).message}`);
    }
  };
  const [ours] = starters;
  for (const starter of starters) {
    const wanted = starter === ours || only === undefined || only.test(starter.name);
    if (wanted) await start(starter.name, ownBuild, starter);
  }
  if (baseline !== undefined) await start(BASELINE, baseline, ours!);
  const stop = (): void => {
    for (const player of players) player.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  if (players[0]?.name !== ours!.name) {
    stop();
    throw new Unmeasured(absent[0]);
  }
  return { players, absent, stop };
}

/** A contestant of bench/contestants, for Node. */
export function local(name: string, module: string, crowd?: Crowd): Starter {
  return { name, start: (as, place) => startNode(as, moduleOf(module), place, crowd) };
}

/** A contestant of bench/rivals, for Node. */
export function rival(name: string, module: string): Starter {
  return { name, start: (as, place) => startNode(as, rivalModule(module), place) };
}

/** A contestant of bench/rivals in C, with its client's role and its server's. */
export function native(
  name: string,
  source: string,
  ...roles: readonly [string, string?]
): Starter {
  return {
    name,
    start: (as, place, folder) => startNative(as, compile(folder, source), place, roles),
  };
}

/** The module of a contestant of bench/contestants. */
export function moduleOf(name: string): URL {
  return new URL(`../contestants/${name}.js`, import.meta.url);
}

/** The module of a contestant of bench/rivals. */
export function rivalModule(name: string): URL {
  return new URL(`${name}.js`, rivals);
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

/** Compiles bench/rivals/NAME.c with libraries; throws where there is no compiler or no library. */
export function compile(folder: string, name: string, libraries: readonly string[] = []): string {
  const binary = join(folder, name);
  const source = new URL(`${name}.c`, rivals).pathname;
  const flags = libraries.map((library) => `-l${library}`);
  try {
    execFileSync('cc', ['-O2', '-o', binary, source, ...flags], { stdio: 'pipe' });
  } catch (error) {
    const { message, stderr } = error as Error & { stderr?: Buffer };
    const [why] = (stderr?.toString() ?? '').split('\n').filter((line) => line.includes('error'));
    throw new Error(why ?? message, { cause: error });
  }
  return binary;
}
