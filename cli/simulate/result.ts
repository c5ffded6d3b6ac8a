/** Faults that really happened, by their names. */
export type FaultCounts = Readonly<Record<string, number>>;

/** What was published and what subscriptions were given of it, each event once for each of them. */
export interface EventCounts {
  readonly published: number;
  readonly given: number;
  /** Reported to be missing, in so many gaps; some of those are of unknown size. */
  readonly missed: number;
  readonly gaps: number;
  readonly unknown: number;
}

/** What became of one seed. */
export interface SeedResult {
  readonly seed: number;
  /** One sentence for each invariant that did not hold; none if the seed passed. */
  readonly violations: readonly string[];
  readonly calls: number;
  readonly events: EventCounts;
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
  readonly events: EventCounts;
  readonly faults: FaultCounts;
  readonly virtualMs: number;
  readonly wallMs: number;
}

/** Nothing yet. */
export const NO_EVENTS: EventCounts = { published: 0, given: 0, missed: 0, gaps: 0, unknown: 0 };

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
    events: {
      published: sum(results.map(({ events }) => events.published)),
      given: sum(results.map(({ events }) => events.given)),
      missed: sum(results.map(({ events }) => events.missed)),
      gaps: sum(results.map(({ events }) => events.gaps)),
      unknown: sum(results.map(({ events }) => events.unknown)),
    },
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
