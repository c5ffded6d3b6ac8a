import { OURS } from './starters.ts';
import type { LossResult, LossRow } from './loss.ts';
import { formatRace } from './report.ts';

/** Gives calls through lossy links as a table, beside the previous one where there was one. */
export function formatLoss(result: LossResult, previous: LossResult | undefined): string {
  const notes = [
    'p999, quartiles of p99, then datagrams: offered to the link by both sides, for a call;',
    'stalled: rounds that left calls unanswered',
    'a rival slower by more than twenty times was not measured again where datagrams are lost',
    `the relay lost ${result.missed} of ${result.offered} datagrams by itself`,
  ];
  const wording = { title: 'calls through lossy links', unit: 'calls', first: OURS, notes };
  const rows = new Map(result.rows.map((row) => [row, formatLink(row)]));
  return formatRace(result, wording, previous, (row) => rows.get(row as LossRow)!);
}

function formatLink(row: LossRow): string {
  const { p999 = NaN, p99Spread, datagramsPerCall, rounds, stalled, goodput } = row;
  return [
    `  p999 ${p999.toFixed(3)} ms`,
    ` (p99 ${p99Spread.low.toFixed(2)} to ${p99Spread.high.toFixed(2)})`,
    `  ${datagramsPerCall.median.toFixed(2)} datagrams`,
    goodput === undefined ? '' : `  ${(goodput * 100).toFixed(0)} % of the queue`,
    stalled > 0 ? `  stalled in ${stalled} of ${rounds}` : '',
  ].join('');
}
