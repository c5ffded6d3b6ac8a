import type { PressureResult } from './pressure.ts';
import { questions, WORK_MS } from './questions.ts';
import type { RealRow } from './real.ts';
import { virtualLines } from './virtual.ts';
import { heading, wholeText } from '../results.ts';

/** Gives the result as tables. */
export function formatPressure(
  result: PressureResult,
  previous: PressureResult | undefined,
): string {
  const { rounds, ms, virtual, real } = result;
  const lines = [
    ...heading('echo calls of 64 B', 'under pressure', result, previous),
    'sent: requests and replies sent for each call, 2 where nothing is sent again; dgrams:',
    'datagrams for each call; held: the most requests that the server held; times in ms',
    '',
    'Virtual time, the same on every machine; after each request the server reads nothing for ' +
      `${WORK_MS * 1000} us.`,
    ...(previous === undefined ? [] : ['Where nothing stands behind a line it has not changed.']),
  ];
  for (const question of questions) {
    lines.push(...virtualLines(question, virtual, previous?.virtual));
  }
  if (real.length > 0) {
    const pace = `medians of ${rounds} rounds of ${ms} ms, interleaved`;
    lines.push('', `The real netlink, two processes: ${pace}`);
  }
  let shared = '';
  for (const row of real) {
    const next = `${row.inFlight} in flight, the server blocked ${row.lateMs} ms after each batch`;
    if (next !== shared) lines.push('', (shared = next), HEAD);
    lines.push(lineOf(row, previous?.real.find((old) => isSame(old, row))));
  }
  return `${lines.join('\n')}\n`;
}

const HEAD = cellsOf(['', 'calls/s', 'p50', 'p99', 'p999 ms', 'sent', 'dgrams', 'drops', 'us CPU']);

function lineOf(row: RealRow, old: RealRow | undefined): string {
  const { buffer, callsPerSecond, cpuUsPerCall, p50, p99, p999, transmissions, datagrams } = row;
  const before = old === undefined
    ? ''
    : `  before: ${wholeText(old.callsPerSecond.median, 0)}/s, p99 ${old.p99.toFixed(3)}`;
  return cellsOf([
    buffer, wholeText(callsPerSecond.median, 0), p50.toFixed(3), p99.toFixed(3), p999.toFixed(3),
    transmissions.toFixed(3), datagrams.toFixed(3), String(row.drops),
    cpuUsPerCall.median.toFixed(1),
  ]) + before;
}

function cellsOf(cells: readonly string[]): string {
  const widths = [11, 11, 10, 10, 10, 8, 8, 7, 9];
  return cells.map((cell, at) => cell.padStart(widths[at]!)).join('');
}

function isSame(left: RealRow, right: RealRow): boolean {
  return left.buffer === right.buffer && left.lateMs === right.lateMs &&
    left.inFlight === right.inFlight;
}
