/** Faults that really happened, by their names. */
export type FaultCounts = Readonly<Record<string, number>>;

/** What became of one seed. */
export interface SeedResult {
  readonly seed: number;
  /** One sentence for each invariant that did not hold; none if the seed passed. */
  readonly violations: readonly string[];
  readonly calls: number;
  readonly faults: FaultCounts;
  readonly virtualMs: number;
  /** The same for the same history. */
  readonly digest: string;
}

/** What `--json` ends with. */
export interface Report {
  readonly seeds: {
    readonly run: number;
    readonly passed: number;
    readonly failed: readonly number[];
  };
  readonly calls: number;
  readonly faults: FaultCounts;
  readonly virtualMs: number;
  readonly wallMs: number;
}

/** Adds up the results of seeds. */
export function reportOf(results: readonly SeedResult[], wallMs: number): Report {
  const failed = results.filter(({ violations }) => violations.length > 0);
  const faults: Record<string, number> = {};
  for (const result of results) {
    for (const [name, count] of Object.entries(result.faults)) {
      faults[name] = (faults[name] ?? 0) + count;
    }
  }
  return {
    seeds: {
      run: results.length,
      passed: results.length - failed.length,
      failed: failed.map(({ seed }) => seed),
    },
    calls: sum(results.map(({ calls }) => calls)),
    faults,
    virtualMs: Math.round(sum(results.map(({ virtualMs }) => virtualMs))),
    wallMs: Math.round(wallMs),
  };
}

/** The command that plays a seed again. */
export function replayCommand(seed: number): string {
  return `cnrpc simulate --seed ${seed} --trace`;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
