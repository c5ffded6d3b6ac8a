import Benchmark from 'benchmark';
import { afterwards, machineFacts, type MachineFacts } from './macro/machine.ts';
import { heading, tell, wholeText, type Format } from './results.ts';
import type { Scenario } from './scenario.ts';

type Timed = Benchmark & { readonly error?: unknown };

/** One thing to be timed: a name and the work. */
export interface Case {
  readonly name: string;
  readonly run: () => void;
}

/** How fast one case was. */
export interface SuiteRow {
  readonly name: string;
  readonly perSecond: number;
  /** The relative margin of error, %. */
  readonly margin: number;
  /** What it threw; then it has no speed. */
  readonly error: string | undefined;
}

/** All that one run of a suite found. */
export interface SuiteResult {
  readonly machine: MachineFacts;
  readonly rows: readonly SuiteRow[];
}

/** Makes a scenario of some cases. */
export function suite(name: string, cases: readonly Case[]): Scenario {
  return {
    name,
    seconds: cases.length * 2,
    run: ({ saves }, { progress, print }) => {
      const result = runSuite(cases, progress);
      print(tell(name, result, saves, suiteFormat(name)));
      return result.rows.filter(({ error }) => error !== undefined).length;
    },
  };
}

/**
 * Times the cases one after the other. benchmark.js swallows what a case throws and reports 0
 * operations a second; here that is an error.
 */
function runSuite(cases: readonly Case[], progress: (share: number) => void): SuiteResult {
  const before = machineFacts();
  const rows: SuiteRow[] = [];
  const timed = new Benchmark.Suite({
    onCycle: (event: Benchmark.Event) => {
      // The declarations lack `error`, which is where a throw ends up.
      const { name = '', error, hz = 0, stats } = event.target as unknown as Timed;
      const failure = error === undefined ? undefined : String(error);
      rows.push({ name, perSecond: hz, margin: stats?.rme ?? 0, error: failure });
      progress(rows.length / cases.length);
    },
  });
  for (const { name, run } of cases) timed.add(name, run, { maxTime: 0.5 });
  timed.run();
  return { machine: afterwards(before), rows };
}

/** Gives a way to make the table of a suite. */
function suiteFormat(name: string): Format<SuiteResult> {
  return (result, previous) => {
    const lines = heading(name, 'one case after the other', result, previous);
    for (const row of result.rows) {
      lines.push(rowText(row, previous?.rows.find((old) => old.name === row.name)));
    }
    return `${lines.join('\n')}\n`;
  };
}

function rowText({ name, perSecond, margin, error }: SuiteRow, old: SuiteRow | undefined): string {
  if (error !== undefined) return `  ${name}: ${error}`;
  const before = old === undefined
    ? ''
    : `  before: ${wholeText(old.perSecond, 0)}/s, x ${(perSecond / old.perSecond).toFixed(2)}`;
  return `  ${name.padEnd(44)}${wholeText(perSecond, 14)}/s ±${margin.toFixed(1)} %${before}`;
}
