import { rmSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import type { Population } from '../contestants/population.ts';
import type { Weight } from '../contestants/questions.ts';
import { makeFolder, placeIn } from './field.ts';
import { moduleOf } from './starters.ts';
import { startSide, type Side } from './side.ts';

/** What is held before it counts: tables have grown, and V8 has compiled. */
const BEFORE = 1_000;
/** A heap's picture is one text: of more, it would be longer than a string can be. */
const PICTURED = 10_000;
/** Bytes each, below which it is noise: what V8 compiled meanwhile. */
const LEAST = 4;
/** After which nothing is owed to the other side, and sessions sleep (`limits.sleepMs`, twice). */
const QUIET_MS = 3_000;

/** What one of many costs one side, bytes. */
export interface Share {
  readonly heapUsed: number;
  readonly external: number;
  readonly arrayBuffers: number;
  /** All of them. */
  readonly total: number;
}

/** Objects with one name that one of many consists of. */
export interface Part {
  readonly kind: string;
  /** How many each has. */
  readonly count: number;
  /** Their bytes for each. */
  readonly bytes: number;
}

/** What is held, at both sides. */
export interface Sides<T> {
  readonly server: T;
  readonly client: T;
}

/** Weighs what a contestant holds, a thousand against `count`. */
export async function weigh(module: string, count: number): Promise<Sides<Share>> {
  const look = (side: Side): Promise<Weight> => side.ask({ kind: 'weigh' });
  return between(module, count, look, (before, after, added) => {
    const share = (of: (weight: Weight) => number): number => (of(after) - of(before)) / added;
    const heapUsed = share((weight) => weight.heapUsed);
    const external = share((weight) => weight.external);
    const arrayBuffers = share((weight) => weight.arrayBuffers);
    return { heapUsed, external, arrayBuffers, total: heapUsed + external + arrayBuffers };
  });
}

/** Says which objects that is, the most bytes first. */
export async function objectsOf(module: string, count: number): Promise<Sides<readonly Part[]>> {
  const look = (side: Side): Promise<Population> => side.ask({ kind: 'objects' });
  return between(module, Math.min(count, PICTURED), look, (before, after, added) =>
    [...after]
      .map(([kind, { count: number, bytes }]) => ({
        kind,
        count: (number - (before.get(kind)?.count ?? 0)) / added,
        bytes: (bytes - (before.get(kind)?.bytes ?? 0)) / added,
      }))
      .filter(({ bytes }) => bytes >= LEAST)
      .sort((left, right) => right.bytes - left.bytes));
}

/** Looks at both sides with a thousand and with all, and compares. */
async function between<Sight, T>(
  module: string,
  count: number,
  look: (side: Side) => Promise<Sight>,
  compare: (before: Sight, after: Sight, added: number) => T,
): Promise<Sides<T>> {
  const folder = makeFolder();
  const place = placeIn(folder, 0);
  const sides: Side[] = [];
  const lookAt = async (held: number): Promise<Sight[]> => {
    await sides[1]!.ask({ kind: 'fill', count: held });
    await pause(QUIET_MS);
    const seen: Sight[] = [];
    for (const side of sides) seen.push(await look(side));
    return seen;
  };
  try {
    for (const role of ['serve', 'connect'] as const) {
      sides.push(await startSide(module, role, moduleOf(module), place));
    }
    const before = await lookAt(BEFORE);
    const after = await lookAt(BEFORE + count);
    const [server, client] = [0, 1].map((at) => compare(before[at]!, after[at]!, count));
    return { server: server!, client: client! };
  } finally {
    for (const side of sides) side.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Gives weights as lines of a table. */
export function formatShares(sides: Sides<Share>): string[] {
  const line = (name: string, share: Share): string => {
    const bytes = [share.total, share.heapUsed, share.external, share.arrayBuffers]
      .map((each) => Math.round(each).toLocaleString('en').padStart(9));
    return `  ${name.padEnd(8)}${bytes.join('')}`;
  };
  const columns = ['total', 'heap', 'external', 'buffers'].map((each) => each.padStart(9));
  return [
    `  ${'bytes'.padEnd(8)}${columns.join('')}`,
    line('server', sides.server),
    line('client', sides.client),
  ];
}

/** Gives objects as lines of a table. */
export function formatParts(sides: Sides<readonly Part[]>): string[] {
  return Object.entries(sides).flatMap(([side, parts]: [string, readonly Part[]]) => [
    `\nobjects of each at the ${side}: number, bytes`,
    ...parts.map(({ kind, count, bytes }) =>
      `  ${count.toFixed(2).padStart(8)} ${bytes.toFixed(0).padStart(7)}  ${kind}`),
  ]);
}
