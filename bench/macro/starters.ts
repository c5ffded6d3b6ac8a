import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import type { Place } from '../contestants/contestant.ts';
import { startNative, startNode, type Crowd, type Player } from './player.ts';

/** The folder bench/rivals, seen from dist/bench/macro. */
const rivals = new URL('../../../bench/rivals/', import.meta.url);

/** The name that the others are compared with. */
export const OURS = 'connector-rpc';

/** A way to start a contestant. */
export interface Starter {
  readonly name: string;
  /** Others' work: if it breaks down, it is out of the field, and the rest goes on. */
  readonly rival: boolean;
  readonly start: (name: string, place: Place, folder: string) => Promise<Player>;
}

/** A contestant of bench/contestants, for Node. */
export function local(name: string, module: string, crowd?: Crowd): Starter {
  const start: Starter['start'] = (as, place) => startNode(as, moduleOf(module), place, crowd);
  return { name, rival: false, start };
}

/** A contestant of bench/rivals, for Node. */
export function rival(name: string, module: string): Starter {
  return { name, rival: true, start: (as, place) => startNode(as, rivalModule(module), place) };
}

/** A contestant of bench/rivals in C, with its client's role and its server's. */
export function native(
  name: string,
  source: string,
  ...roles: readonly [string, string?]
): Starter {
  return {
    name,
    rival: true,
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

/** Compiles bench/rivals/NAME.c with libraries; throws where there is no compiler or no library. */
export function compile(folder: string, name: string, libraries: readonly string[] = []): string {
  const binary = join(folder, name);
  const source = new URL(`${name}.c`, rivals).pathname;
  const flags = libraries.map((library) => `-l${library}`);
  try {
    execFileSync('cc', ['-O2', '-o', binary, source, ...flags], { stdio: 'pipe' });
  } catch (error) {
    const { code, message, stderr } = error as NodeJS.ErrnoException & { stderr?: Buffer };
    if (code === 'ENOENT') throw new Error('there is no C compiler, cc', { cause: error });
    const [why] = (stderr?.toString() ?? '').split('\n').filter((line) => line.includes('error'));
    throw new Error(why ?? message, { cause: error });
  }
  return binary;
}
