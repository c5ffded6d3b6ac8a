import Benchmark from 'benchmark';

type Timed = Benchmark & { readonly error?: unknown };

/** One thing to be timed: a name and the work. */
export interface Case {
  readonly name: string;
  readonly run: () => void;
}

/**
 * Runs the cases one after the other and prints operations a second. benchmark.js swallows what a
 * case throws and reports 0 operations a second; here that is a failure. Gives the number of
 * failures.
 */
export function runSuite(name: string, cases: readonly Case[]): number {
  let failures = 0;
  console.log(name);
  const suite = new Benchmark.Suite(name, {
    onCycle: (event: Benchmark.Event) => {
      // The declarations lack `error`, which is where a throw ends up.
      const target = event.target as unknown as Timed;
      if (target.error !== undefined) {
        failures += 1;
        console.error(`  ${target.name}: ${String(target.error)}`);
        return;
      }
      const perSecond = Math.round(target.hz ?? 0)
        .toLocaleString('en')
        .padStart(14);
      console.log(
        `  ${(target.name ?? '').padEnd(44)}${perSecond}/s ±${target.stats?.rme.toFixed(1)} %`,
      );
    },
  });
  for (const { name: title, run } of cases) suite.add(title, run, { maxTime: 0.5 });
  suite.run();
  return failures;
}
