import Benchmark from 'benchmark';
import type { Scenario, Screen } from './scenario.ts';

type Timed = Benchmark & { readonly error?: unknown };

/** One thing to be timed: a name and the work. */
export interface Case {
  readonly name: string;
  readonly run: () => void;
}

/** Makes a scenario of some cases. */
export function suite(name: string, cases: readonly Case[]): Scenario {
  return { name, seconds: cases.length * 2, run: (_options, screen) => run(name, cases, screen) };
}

/**
 * Runs the cases one after the other and prints operations a second. benchmark.js swallows what a
 * case throws and reports 0 operations a second; here that is a failure. Gives the number of
 * failures.
 */
function run(name: string, cases: readonly Case[], { progress, print }: Screen): number {
  let failures = 0;
  let done = 0;
  print(name);
  const timed = new Benchmark.Suite(name, {
    onCycle: (event: Benchmark.Event) => {
      // The declarations lack `error`, which is where a throw ends up.
      const target = event.target as unknown as Timed;
      progress(++done / cases.length);
      if (target.error !== undefined) {
        failures += 1;
        print(`  ${target.name}: ${String(target.error)}`);
        return;
      }
      const perSecond = Math.round(target.hz ?? 0)
        .toLocaleString('en')
        .padStart(14);
      print(
        `  ${(target.name ?? '').padEnd(44)}${perSecond}/s ±${target.stats?.rme.toFixed(1)} %`,
      );
    },
  });
  for (const { name: title, run } of cases) timed.add(title, run, { maxTime: 0.5 });
  timed.run();
  return failures;
}
