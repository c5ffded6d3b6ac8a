import type { RaceResult, RaceRow } from './race.ts';
import { heading, spreadText, wholeText } from '../results.ts';

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
  const { rounds, ms, rows } = result;
  const lines = [
    ...heading(title, `${rounds} rounds of ${ms} ms each, interleaved`, result, previous),
    `x: ${unit} a second of ${first} divided by the line's; median of rounds [quartiles]`,
    'us: processor time of both sides for each, and the first line\'s divided by the line\'s',
    ...notes,
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

function formatRow(row: RaceRow): string {
  const { contestant, perSecond, ratio, cpuUs, cpuRatio, p50, p99 } = row;
  const rate = wholeText(perSecond.median, 11);
  const latency = p50 === undefined || p99 === undefined
    ? ''
    : `  p50 ${p50.toFixed(3)} p99 ${p99.toFixed(3)} ms`;
  const cost = `${cpuUs.median.toFixed(1).padStart(7)} us x ${spreadText(cpuRatio)}`;
  const speed = `${rate}/s  x ${spreadText(ratio)}`;
  return `  ${contestant.padEnd(22)}${speed}  ${cost}${latency}`;
}

function formatOld(old: RaceRow | undefined): string {
  return old === undefined
    ? ''
    : `  before: ${wholeText(old.perSecond.median, 0)}/s x ${old.ratio.median.toFixed(2)}`;
}
