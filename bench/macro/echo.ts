import { rmSync } from 'node:fs';
import type { Load, Score } from './contestant.ts';
import { makeFolder, OURS, startField } from './field.ts';
import { machineFacts, type MachineFacts } from './machine.ts';
import type { Cost } from './player.ts';
import { shuffled, spreadOf, type Spread } from './spread.ts';
import { Progress } from '../../cli/progress.ts';

/** On a loaded machine it takes V8 long to compile, and that is not what is measured. */
const WARM_UP_MS = 2_000;

/** What is measured of each contestant, and how often. */
export interface EchoPlan {
  readonly sizes: readonly number[];
  readonly inFlight: readonly number[];
  readonly rounds: number;
  readonly ms: number;
  readonly baseline: URL | undefined;
  readonly only: RegExp | undefined;
}

/** One contestant at one load. Ratios are ours to its, round by round. */
export interface EchoRow {
  readonly contestant: string;
  readonly size: number;
  readonly inFlight: number;
  readonly callsPerSecond: Spread;
  readonly ratio: Spread;
  /** Processor time of both sides together, us. */
  readonly cpuUsPerCall: Spread;
  readonly cpuRatio: Spread;
  readonly p50: number | undefined;
  readonly p99: number | undefined;
}

/** All that one run found. */
export interface EchoResult {
  readonly machine: MachineFacts;
  readonly rounds: number;
  readonly ms: number;
  readonly absent: readonly string[];
  readonly rows: readonly EchoRow[];
}

interface Sample extends Score, Cost {
  readonly ratio: number;
  readonly cpuRatio: number;
}

/**
 * Makes echo calls with all contestants in turn, in an order drawn anew each round: what else the
 * machine does meets them all alike, and a ratio is of neighbours in time. A first round of each
 * load warms up and does not count.
 */
export async function echo(plan: EchoPlan): Promise<EchoResult> {
  const before = machineFacts();
  const folder = makeFolder();
  const { players, absent } = await startField(folder, plan.baseline, plan.only);
  const rows: EchoRow[] = [];
  const loads = plan.sizes.flatMap((size) =>
    plan.inFlight.map((inFlight) => ({ size, inFlight, ms: plan.ms })));
  const total = loads.length * (plan.rounds + 1) * players.length;
  const progress = new Progress(total, true, 'measurements');
  let done = 0;
  const round = async (load: Load): Promise<Map<string, Sample>> => {
    const samples = new Map<string, Sample>();
    for (const player of shuffled(players)) {
      const score = await player.measure(load);
      samples.set(player.name, { ...score, ratio: 1, cpuRatio: 1 });
      progress.show(++done);
    }
    const ours = samples.get(OURS)!;
    for (const [name, sample] of samples) {
      const ratio = ours.callsPerSecond / sample.callsPerSecond;
      const cpuRatio = ours.cpuUsPerCall / sample.cpuUsPerCall;
      samples.set(name, { ...sample, ratio, cpuRatio });
    }
    return samples;
  };
  try {
    for (const load of loads) {
      const rounds: Map<string, Sample>[] = [];
      await round({ ...load, ms: plan.ms + WARM_UP_MS });
      for (let count = 0; count < plan.rounds; count++) rounds.push(await round(load));
      for (const { name } of players) rows.push(rowOf(name, load, rounds));
    }
  } finally {
    progress.clear();
    for (const player of players) player.stop();
    rmSync(folder, { recursive: true, force: true });
  }
  const machine = { ...before, loadAfter: machineFacts().loadBefore };
  return { machine, rounds: plan.rounds, ms: plan.ms, absent, rows };
}

function rowOf(
  contestant: string,
  { size, inFlight }: Load,
  rounds: readonly Map<string, Sample>[],
): EchoRow {
  const samples = rounds.map((round) => round.get(contestant)!);
  const middle = (pick: (sample: Sample) => number | undefined): number | undefined => {
    const known = samples.map(pick).filter((value) => value !== undefined);
    return known.length === 0 ? undefined : spreadOf(known).median;
  };
  return {
    contestant,
    size,
    inFlight,
    callsPerSecond: spreadOf(samples.map((sample) => sample.callsPerSecond)),
    ratio: spreadOf(samples.map((sample) => sample.ratio)),
    cpuUsPerCall: spreadOf(samples.map((sample) => sample.cpuUsPerCall)),
    cpuRatio: spreadOf(samples.map((sample) => sample.cpuRatio)),
    p50: middle((sample) => sample.p50),
    p99: middle((sample) => sample.p99),
  };
}
