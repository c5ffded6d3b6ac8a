import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { MachineFacts } from './macro/machine.ts';
import type { Spread } from './macro/spread.ts';

/** What one run of a scenario found, as it is kept: plain data. */
export interface Result {
  readonly machine: MachineFacts;
  /** Who could not be measured, and why. */
  readonly absent?: readonly string[];
}

/** Makes a result's table, beside what the previous whole run found where there was one. */
export type Format<T extends Result> = (result: T, previous: T | undefined) => string;

/** Where results are kept, seen from dist/bench. */
const folder = new URL('../../bench/results/', import.meta.url).pathname;

/**
 * Gives the table of a result. A whole run is kept as NAME.json and NAME.txt, with its pictures by
 * their names, to be compared with the next; one of which only a part was asked for is not what the
 * next is to be compared with. What cannot be written is told at the table's end.
 */
export function tell<T extends Result>(
  name: string,
  result: T,
  whole: boolean,
  format: Format<T>,
  pictures: ReadonlyMap<string, string> = new Map(),
): string {
  const file = join(folder, `${name}.json`);
  const previous = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as T) : undefined;
  const text = format(result, previous);
  if (!whole) return text;
  try {
    mkdirSync(folder, { recursive: true });
    const json = `${JSON.stringify(result, undefined, 1)}\n`;
    for (const [path, content] of [[`${name}.json`, json], [`${name}.txt`, text], ...pictures]) {
      writeFileSync(join(folder, path!), content!);
    }
    return text;
  } catch (error) {
    return `${text}not kept: ${(error as Error).message}\n`;
  }
}

/**
 * Says of what a result is and how it was found, where, and with which earlier one it is compared;
 * then what was not measured, and why.
 */
export function heading(
  what: string,
  how: string,
  { machine, absent = [] }: Result,
  previous: Result | undefined,
): string[] {
  const lines = [
    `${what}, ${machine.at}: ${how}`,
    `${machine.processors} x ${machine.processor}, ${machine.memoryGiB} GiB, ` +
      `Linux ${machine.kernel}, Node ${machine.node}, ` +
      `load ${machine.loadBefore.toFixed(1)} before, ${machine.loadAfter.toFixed(1)} after`,
  ];
  if (previous !== undefined) {
    const { at, node, loadBefore } = previous.machine;
    lines.push(`before: the run of ${at}, Node ${node}, load ${loadBefore.toFixed(1)}`);
  }
  return [...lines, ...absent.map((why) => `not measured: ${why.slice(0, 160)}`)];
}

/** Shows a median with its quartiles. */
export function spreadText({ low, median, high }: Spread, digits = 2): string {
  return `${median.toFixed(digits)} [${low.toFixed(digits)}, ${high.toFixed(digits)}]`;
}

/** Shows a whole number with separators, right-aligned. */
export function wholeText(value: number, width: number): string {
  return Math.round(value).toLocaleString('en').padStart(width);
}
