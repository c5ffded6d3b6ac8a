import type { SimulatorResult, SimulatorRow } from './simulator.ts';
import { heading, spreadText, wholeText } from '../results.ts';

/** What issue 5 asks for, calls a wall second. */
const goals: Readonly<Record<string, number>> = {
  'plain calls': 500_000,
  'no faults': 500_000,
  'the faults of npm start': 150_000,
};

/** Gives the result as a table. */
export function formatSimulator(
  result: SimulatorResult,
  previous: SimulatorResult | undefined,
): string {
  const { calls, rounds, rows } = result;
  const lines = [
    ...heading('simulator', `${rounds} rounds of ${calls} calls, interleaved`, result, previous),
    'calls a wall second and processor time for a call, server, clients and checks together;',
    'median of rounds [quartiles]; worlds are simulations side by side, one a processor',
    'plain calls: no faults and nothing checked; the others are cnrpc stress, which draws each',
    'payload, compares each reply, books each execution, and makes half of the calls in channels',
    '',
  ];
  for (const row of rows) {
    lines.push(formatRow(row, previous?.rows.find((old) =>
      old.build === row.build && old.faults === row.faults && old.worlds === row.worlds)));
  }
  return `${lines.join('\n')}\n`;
}

function formatRow(row: SimulatorRow, old: SimulatorRow | undefined): string {
  const { build, faults, callsPerSecond, cpuUsPerCall, ratio, cpuRatio, sameHistory } = row;
  const worlds = row.worlds === 1 ? '1 world ' : `${row.worlds} worlds`;
  const goal = goals[faults]!;
  const cells = [
    `  ${faults.padEnd(25)}${build.padEnd(12)}${worlds}${wholeText(callsPerSecond.median, 10)}/s`,
    `${cpuUsPerCall.median.toFixed(2)} us [${cpuUsPerCall.low.toFixed(2)}, `
      + `${cpuUsPerCall.high.toFixed(2)}]`,
    `${(callsPerSecond.median / goal).toFixed(2)} of the goal of ${wholeText(goal, 0)}/s`,
  ];
  if (ratio.low !== 1 || ratio.high !== 1) {
    cells.push(`x ${spreadText(ratio)} the baseline, per processor time x ${spreadText(cpuRatio)}`);
  }
  if (!sameHistory) cells.push('ANOTHER HISTORY than the baseline');
  if (old !== undefined) {
    const { callsPerSecond: rate, cpuUsPerCall: cost } = old;
    cells.push(`before: ${wholeText(rate.median, 0)}/s, ${cost.median.toFixed(2)} us`);
  }
  return cells.join('  ');
}
