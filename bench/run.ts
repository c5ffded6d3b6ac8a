/**
 * `npm run bench [-- NAME... [OPTIONS]]`: micro benchmarks (wire, reliability), echo calls beside
 * what people use instead (echo), calls under pressure (pressure), and the simulator's speed
 * (simulator). Compare lines of one run; the machine is noisy. What is run whole is kept under
 * bench/results/, and every run is shown beside what was kept there.
 *
 *   --against DIR   a second build of the library (its dist), measured in the same rounds
 *   --only PATTERN  of the rivals, those whose names match
 *   --rounds N      how often each load is measured (7)
 *   --ms N          for how long each time (400)
 *   --calls N       of each simulation (400,000)
 *   --in-flight N,… and --size N,…: the loads (1,64,1024 and 64,1024)
 */
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { echo } from './macro/echo.ts';
import { formatEcho } from './macro/report.ts';
import { reliability } from './micro/reliability.ts';
import { wire } from './micro/wire.ts';
import { pressurePictures, pressure } from './pressure/pressure.ts';
import { formatPressure } from './pressure/report.ts';
import { keep, tell } from './results.ts';
import { formatSimulator } from './simulator/report.ts';
import { simulator } from './simulator/simulator.ts';
import { failuresOf, runSuite, suiteFormat, type Case } from './suite.ts';

const text = { type: 'string' } as const;
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    against: text, only: text, rounds: text, ms: text, calls: text,
    'in-flight': text, size: text,
  },
});
/** Whether all of a scenario is asked for. */
const whole = Object.keys(values).length === 0;
const { against, only } = values;
const baseline = against === undefined ? undefined : pathToFileURL(`${resolve(against)}/`);

const benchmarks: Readonly<Record<string, () => Promise<number> | number>> = {
  wire: () => runMicro('wire', wire),
  reliability: () => runMicro('reliability', reliability),
  echo: runEcho,
  pressure: runPressure,
  simulator: runSimulator,
};

function runMicro(name: string, cases: readonly Case[]): number {
  const result = runSuite(cases);
  console.log(tell(name, result, whole, suiteFormat(name)));
  return failuresOf(result);
}

async function runEcho(): Promise<number> {
  const result = await echo({
    sizes: numbers(values.size ?? '64,1024'),
    inFlight: numbers(values['in-flight'] ?? '1,64,1024'),
    rounds: Number(values.rounds ?? 7),
    ms: Number(values.ms ?? 400),
    baseline,
    only: only === undefined ? undefined : new RegExp(only, 'i'),
  });
  console.log(tell('echo', result, whole, formatEcho));
  return 0;
}

async function runPressure(): Promise<number> {
  const result = await pressure({
    inFlight: numbers(values['in-flight'] ?? '1,64,1024'),
    rounds: Number(values.rounds ?? 5),
    ms: Number(values.ms ?? 400),
  });
  console.log(tell('pressure', result, whole, formatPressure));
  if (whole) for (const [file, picture] of pressurePictures(result)) keep(file, picture);
  return 0;
}

async function runSimulator(): Promise<number> {
  const rounds = Number(values.rounds ?? 7);
  const calls = Number(values.calls ?? 400_000);
  const result = await simulator({ rounds, calls, baseline });
  console.log(tell('simulator', result, whole, formatSimulator));
  return result.rows.every(({ sameHistory }) => sameHistory) ? 0 : 1;
}

function numbers(list: string): number[] {
  return list.split(',').map(Number);
}

const unknown = positionals.filter((name) => !(name in benchmarks));
if (unknown.length > 0) {
  const known = Object.keys(benchmarks).join(', ');
  console.error(`no such benchmark: ${unknown.join(', ')}; there are ${known}`);
  process.exitCode = 2;
} else {
  let failures = 0;
  for (const [name, run] of Object.entries(benchmarks)) {
    if (positionals.length === 0 || positionals.includes(name)) failures += await run();
  }
  process.exitCode = failures > 0 ? 1 : 0;
}
