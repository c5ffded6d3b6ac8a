import type { EchoResult, EchoRow } from './echo.ts';
import { machineText, spreadText, wholeText } from '../results.ts';

/** Gives the result as a table, beside what the previous run found where there was one. */
export function formatEcho(result: EchoResult, previous: EchoResult | undefined): string {
  const { machine, rounds, ms, absent, rows } = result;
  const lines = [
    `echo calls, ${machine.at}: ${rounds} rounds of ${ms} ms each, interleaved`,
    ...machineText(result, previous),
    'x: calls a second of connector-rpc divided by the line\'s; median of rounds [quartiles]',
    'us: processor time of both sides for a call, and ours divided by the line\'s',
    ...absent.map((why) => `not measured: ${why.slice(0, 160)}`),
  ];
  let heading = '';
  for (const row of rows) {
    const next = `\n${row.size} B, ${row.inFlight} in flight`;
    if (next !== heading) lines.push((heading = next));
    lines.push(formatRow(row, previous?.rows.find((old) => sameLoad(old, row))));
  }
  return `${lines.join('\n')}\n`;
}

function formatRow(row: EchoRow, old: EchoRow | undefined): string {
  const { contestant, callsPerSecond, ratio, cpuUsPerCall, cpuRatio, p50, p99 } = row;
  const rate = wholeText(callsPerSecond.median, 11);
  const latency = p50 === undefined || p99 === undefined
    ? ''
    : `  p50 ${p50.toFixed(3)} p99 ${p99.toFixed(3)} ms`;
  const cost = `${cpuUsPerCall.median.toFixed(1).padStart(7)} us x ${spreadText(cpuRatio)}`;
  const before = old === undefined
    ? ''
    : `  before: ${wholeText(old.callsPerSecond.median, 0)}/s x ${old.ratio.median.toFixed(2)}`;
  return `  ${contestant.padEnd(18)}${rate}/s  x ${spreadText(ratio)}  ${cost}${latency}${before}`;
}

function sameLoad(left: EchoRow, right: EchoRow): boolean {
  return (
    left.contestant === right.contestant &&
    left.size === right.size &&
    left.inFlight === right.inFlight
  );
}
