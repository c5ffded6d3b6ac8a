import test from 'ava';
import { isAccepted } from './accepted.ts';
import { runCell, type CellOptions, type CellResult } from '../../bench/pressure/cell.ts';

// The latency that the protocol gives under loss, in units of the loss-free time of the same cell,
// beside what no protocol without redundancy can undercut (`bound`). Nothing here depends on the
// machine: a change of the text is a change of behaviour, which `npm run golden` accepts.

const ROUND_TRIPS = [0, 1, 20];
const IN_FLIGHT = [1, 64, 1024];

/** Rounds that the 99th and the 99.9th percentile must lose at each loss, both ends repairing. */
const LOSSES = [
  { loss: 0, rounds99: 0, rounds999: 0 },
  { loss: 0.01, rounds99: 1, rounds999: 1 },
  { loss: 0.05, rounds99: 1, rounds999: 2 },
  { loss: 0.1, rounds99: 2, rounds999: 3 },
  { loss: 0.2, rounds99: 3, rounds999: 5 },
];

const RATIO_99 = 1.5;
const RATIO_999 = 2;
/** Datagrams per call, where many calls share one. */
const SHARED_MAX = 0.25;
const SEED = 1;
/** Times are sums of fractions: three round trips may be a hair more than three times one. */
const ROUNDING = 1e-6;

/**
 * A bad spell lasts 8 datagrams on average, all of which are lost; 5 % of all datagrams meet one.
 * It counts datagrams and not time, so a lone caller ends it by its own probes, ever more slowly.
 */
const BURST = { leave: 1 / 8, enter: 0.05 / 0.95 / 8, loss: 1 };

interface Bound {
  readonly p99: number;
  readonly p999: number;
  readonly datagrams: number;
}

/** One row; without bounds it is shown and not judged. */
interface Row {
  readonly what: string;
  readonly options: CellOptions;
  readonly bound: Bound | undefined;
}

/**
 * All calls of a turn share their datagrams, so the rounds count and not the calls: some hundreds
 * are needed where many calls fly. At 5 % one call in 105 loses two rounds, and one in 100 would
 * break the bound: there, and where losses are many, only a larger sample tells the two apart.
 */
function callsOf(loss: number, inFlight: number): number {
  if (loss === 0) return 5 * inFlight + 500;
  if (inFlight === 1) return loss === 0.05 ? 20_000 : 6_000;
  if (inFlight === 64) return loss === 0.05 || loss === 0.2 ? 51_200 : 19_200;
  return loss === 0.05 || loss === 0.2 ? 30_720 : 15_360;
}

function rowsOf(roundTripMs: number, inFlight: number): Row[] {
  const options = (loss: number): CellOptions => {
    return { loss, roundTripMs, inFlight, calls: callsOf(loss, inFlight), seed: SEED };
  };
  const rows = LOSSES.map(({ loss, rounds99, rounds999 }): Row => {
    const datagrams = inFlight === 1 ? (1.05 * (2 - loss)) / (1 - loss) ** 2 : SHARED_MAX;
    const bound = { p99: 1 + rounds99, p999: 1 + rounds999, datagrams };
    return { what: `${(100 * loss).toFixed(0)} %`, options: options(loss), bound };
  });
  const calls = callsOf(0.01, inFlight);
  const bursts = { ...options(0), burst: BURST, calls };
  return [...rows, { what: 'bursts', options: bursts, bound: undefined }];
}

/** What a row breaks, in words. */
function violations({ what, options, bound }: Row, result: CellResult, unit: number): string[] {
  if (bound === undefined) return [];
  const where = `loss ${what}, round trip ${options.roundTripMs} ms, ${options.inFlight} in flight`;
  const found: string[] = [];
  const check = (name: string, value: number, most: number): void => {
    if (value <= most + ROUNDING) return;
    found.push(`${where}: ${name} ${value.toFixed(3)}, at most ${most.toFixed(3)}`);
  };
  check('p99', result.p99 / unit, RATIO_99 * bound.p99);
  check('p999', result.p999 / unit, RATIO_999 * bound.p999);
  check('datagrams per call', result.datagrams, bound.datagrams);
  return found;
}

function line(cells: readonly string[]): string {
  const widths = [6, 6, 8, 7, 8, 8, 8, 5, 5, 8, 8, 10, 7];
  return cells.map((cell, index) => cell.padStart(widths[index]!)).join('').trimEnd();
}

function show({ what, options, bound }: Row, result: CellResult, unit: number): string {
  const { roundTripMs, inFlight, calls } = options;
  const [p50, p99, p999] = [result.p50, result.p99, result.p999].map((time) => time / unit);
  const ratio = (value: number, least: number | undefined): string =>
    least === undefined ? '-' : (value / least).toFixed(2);
  return line([
    String(roundTripMs), String(inFlight), what, String(calls),
    p50!.toFixed(2), p99!.toFixed(2), p999!.toFixed(2),
    bound?.p99.toFixed(0) ?? '-', bound?.p999.toFixed(0) ?? '-',
    ratio(p99!, bound?.p99), ratio(p999!, bound?.p999),
    result.datagrams.toFixed(3), bound?.datagrams.toFixed(2) ?? '-',
  ]);
}

const HEAD = [
  'Echo calls of 64 bytes under loss, in virtual time. p50, p99 and p999 in units of r, the',
  'loss-free p50 of the same cell; B99 and B999: the least that they can be where a loss costs a',
  'round trip and nothing is sent twice (peers.md §4); then their ratio, at most 1.5 and 2.',
  'Datagrams per call, both ways, and the most allowed. Bursts: Gilbert-Elliott, 5 % of all',
  'datagrams, 8 in a row on average.',
  '',
  line([
    'RTT', 'calls', 'loss', 'sample', 'p50', 'p99', 'p999', 'B99', 'B999', '/B99', '/B999',
    'datagrams', 'most',
  ]),
];

test('the golden table: no cell is worse than its bound, and none has changed', async (t) => {
  t.timeout(120_000);
  const lines = [...HEAD];
  const broken: string[] = [];
  for (const roundTripMs of ROUND_TRIPS) {
    for (const inFlight of IN_FLIGHT) {
      let unit = 0;
      for (const row of rowsOf(roundTripMs, inFlight)) {
        const result = await runCell(row.options);
        if (unit === 0) unit = result.p50; // the first row of a cell has no loss
        lines.push(show(row, result, unit));
        broken.push(...violations(row, result, unit));
      }
      lines.push('');
    }
  }
  const text = lines.join('\n');
  if (broken.length > 0) t.fail(`beyond the bounds:\n${broken.join('\n')}`);
  isAccepted(t, 'table.txt', text);
});
