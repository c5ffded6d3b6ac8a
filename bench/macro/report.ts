import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { EchoResult, EchoRow } from './echo.ts';
import type { Spread } from './spread.ts';

/** Gives the result as a table, beside what the previous run found where there was one. */
export function formatEcho(result: EchoResult, previous: EchoResult | undefined): string {
  const { machine, rounds, ms, absent, rows } = result;
  const lines = [
    `echo calls, ${machine.at}: ${rounds} rounds of ${ms} ms each, interleaved`,
    `${machine.processors} x ${machine.processor}, ${machine.memoryGiB} GiB, ` +
      `Linux ${machine.kernel}, Node ${machine.node}, ` +
      `load ${machine.loadBefore.toFixed(1)} before, ${machine.loadAfter.toFixed(1)} after`,
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

/** Saves a result and its table in a folder; gives the table. */
export function saveEcho(folder: string, result: EchoResult): string {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, 'echo.json');
  const previous = existsSync(file)
    ? (JSON.parse(readFileSync(file, 'utf8')) as EchoResult)
    : undefined;
  const text = formatEcho(result, previous);
  writeFileSync(file, `${JSON.stringify(result, undefined, 1)}\n`);
  writeFileSync(join(folder, 'echo.txt'), text);
  return text;
}

function formatRow(row: EchoRow, old: EchoRow | undefined): string {
  const { contestant, callsPerSecond, ratio, cpuUsPerCall, cpuRatio, p50, p99 } = row;
  const rate = Math.round(callsPerSecond.median).toLocaleString('en').padStart(11);
  const latency = p50 === undefined || p99 === undefined
    ? ''
    : `  p50 ${p50.toFixed(3)} p99 ${p99.toFixed(3)} ms`;
  const cost = `${cpuUsPerCall.median.toFixed(1).padStart(7)} us x ${formatRatio(cpuRatio)}`;
  const before = old === undefined ? '' : `  before: x ${old.ratio.median.toFixed(2)}`;
  return `  ${contestant.padEnd(18)}${rate}/s  x ${formatRatio(ratio)}  ${cost}${latency}${before}`;
}

function formatRatio({ low, median, high }: Spread): string {
  return `${median.toFixed(2)} [${low.toFixed(2)}, ${high.toFixed(2)}]`;
}

function sameLoad(left: EchoRow, right: EchoRow): boolean {
  return (
    left.contestant === right.contestant &&
    left.size === right.size &&
    left.inFlight === right.inFlight
  );
}
