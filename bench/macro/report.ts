import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { MachineFacts } from './machine.ts';
import type { RaceResult, RaceRow } from './race.ts';
import type { Spread } from './spread.ts';

/** How a race is told. */
export interface Wording {
  readonly title: string;
  /** What is counted, as in `calls`. */
  readonly unit: string;
  /** What the first of each heat is, as in `connector-rpc`. */
  readonly first: string;
  /** What else a reader has to know, a line each. */
  readonly notes?: readonly string[];
}

/** The folder of results in the source tree, seen from dist/bench/macro. */
const folder = new URL('../../../bench/results/', import.meta.url).pathname;

/** Says where something was measured, as two lines. */
export function heading(title: string, machine: MachineFacts, how: string): string[] {
  return [
    `${title}, ${machine.at}: ${how}`,
    `${machine.processors} x ${machine.processor}, ${machine.memoryGiB} GiB, ` +
      `Linux ${machine.kernel}, Node ${machine.node}, ` +
      `load ${machine.loadBefore.toFixed(1)} before, ${machine.loadAfter.toFixed(1)} after`,
  ];
}

/**
 * Gives a race as a table, beside what the previous one found where there was one. `more` is what
 * else there is to say of a line.
 */
export function formatRace(
  result: RaceResult,
  { title, unit, first, notes = [] }: Wording,
  previous: RaceResult | undefined,
  more: (row: RaceRow) => string = () => '',
): string {
  const { machine, rounds, ms, absent, rows } = result;
  const lines = [
    ...heading(title, machine, `${rounds} rounds of ${ms} ms each, interleaved`),
    `x: ${unit} a second of ${first} divided by the line's; median of rounds [quartiles]`,
    'us: processor time of both sides for each, and the first line\'s divided by the line\'s',
    ...notes,
    ...absent.map((why) => `not measured: ${why.slice(0, 160)}`),
  ];
  let heat = '';
  for (const row of rows) {
    if (row.heat !== heat) lines.push(`\n${(heat = row.heat)}`);
    const old = previous?.rows.find((each) =>
      each.contestant === row.contestant && each.heat === row.heat);
    lines.push(`${formatRow(row)}${more(row)}${formatOld(old)}`);
  }
  return `${lines.join('\n')}\n`;
}

/** The result saved last under a name; undefined if there is none. */
export function savedResult<Result>(name: string): Result | undefined {
  const file = join(folder, `${name}.json`);
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Result) : undefined;
}

/** Saves a result and its text. */
export function saveResult(name: string, result: unknown, text: string): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(result, undefined, 1)}\n`);
  writeFileSync(join(folder, `${name}.txt`), text);
}

function formatRow(row: RaceRow): string {
  const { contestant, perSecond, ratio, cpuUs, cpuRatio, p50, p99 } = row;
  const rate = Math.round(perSecond.median).toLocaleString('en').padStart(11);
  const latency = p50 === undefined || p99 === undefined
    ? ''
    : `  p50 ${p50.toFixed(3)} p99 ${p99.toFixed(3)} ms`;
  const cost = `${cpuUs.median.toFixed(1).padStart(7)} us x ${formatSpread(cpuRatio)}`;
  const speed = `${rate}/s  x ${formatSpread(ratio)}`;
  return `  ${contestant.padEnd(22)}${speed}  ${cost}${latency}`;
}

function formatOld(old: RaceRow | undefined): string {
  return old === undefined ? '' : `  before: x ${old.ratio.median.toFixed(2)}`;
}

/** Gives a median with its quartiles. */
export function formatSpread({ low, median, high }: Spread, digits = 2): string {
  return `${median.toFixed(digits)} [${low.toFixed(digits)}, ${high.toFixed(digits)}]`;
}
