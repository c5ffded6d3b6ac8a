import { afterwards, machineFacts, type MachineFacts } from './machine.ts';
import type { Field } from './field.ts';
import type { Cost, Player } from './player.ts';
import type { Load, Score } from '../contestants/measure.ts';
import { interleaved } from './rounds.ts';
import { spreadOf, type Spread } from './spread.ts';

/** How often and for how long everything is measured. */
export interface Pace {
  readonly rounds: number;
  readonly ms: number;
  /** On a loaded machine it takes V8 long to compile, and that is not what is measured. */
  readonly warmUpMs: number;
}

/** One who runs in a heat, and with which load. */
export interface Entry {
  readonly name: string;
  readonly player: Player;
  readonly load: Omit<Load, 'ms'>;
}

/** What is measured side by side. The others are compared with the first. */
export interface Heat {
  readonly title: string;
  readonly entries: readonly Entry[];
}

/** One contestant in one heat. Ratios are the first's to its own, round by round. */
export interface RaceRow {
  readonly heat: string;
  readonly contestant: string;
  readonly perSecond: Spread;
  readonly ratio: Spread;
  /** Processor time of both sides together for one, us. */
  readonly cpuUs: Spread;
  readonly cpuRatio: Spread;
  readonly p50: number | undefined;
  readonly p99: number | undefined;
  readonly p999: number | undefined;
}

/** All that one race found. */
export interface RaceResult {
  readonly machine: MachineFacts;
  readonly rounds: number;
  readonly ms: number;
  readonly absent: readonly string[];
  readonly rows: readonly RaceRow[];
}

type Found = Score & Cost;
/** A value a round; undefined of who had broken down. */
type Scores = readonly (Found | undefined)[];

/** One measurement beside the first's of the same round. */
export interface Sample extends Score, Cost {
  readonly ratio: number;
  readonly cpuRatio: number;
}

/**
 * Measures all entries of each heat, interleaved. All of them are warmed up before anything is
 * measured: what runs once in a datagram is compiled seconds later than what runs once in a call.
 * One more round before each heat does not count either. `progress` hears how much is done, from 0
 * to 1.
 */
export async function race(
  field: Field,
  heats: readonly Heat[],
  { rounds, ms, warmUpMs }: Pace,
  progress: (share: number) => void,
): Promise<RaceResult> {
  const before = machineFacts();
  const rows: RaceRow[] = [];
  const total = heats.reduce((sum, { entries }) => sum + entries.length, 0) * (rounds + 2);
  let done = 0;
  const run = ({ entries }: Heat, times: number, forMs: number): Promise<Map<Entry, Scores>> =>
    interleaved(entries, times, async ({ name, player, load }) => {
      progress(done++ / total);
      return field.attempt(player, forMs, async () => {
        const score = await player.measure({ ...load, ms: forMs });
        if (score.done === 0) throw new Error(`${name} did nothing in ${forMs} ms`);
        return score;
      });
    });
  for (const heat of heats) await run(heat, 1, warmUpMs);
  for (const heat of heats) {
    await run(heat, 1, ms);
    const scores = await run(heat, rounds, ms);
    const first = scores.get(heat.entries[0]!)!;
    for (const [{ name }, own] of scores) {
      const samples = own.flatMap((score, round) =>
        score === undefined ? [] : [beside(score, first[round]!)]);
      if (samples.length === rounds) rows.push(rowOf(heat.title, name, samples));
    }
  }
  return { machine: afterwards(before), rounds, ms, absent: field.absent, rows };
}

/** Compares what was measured with what the first did in the same round. */
export function beside(score: Found, first: Found): Sample {
  return {
    ...score,
    ratio: first.perSecond / score.perSecond,
    cpuRatio: first.cpuUs / score.cpuUs,
  };
}

/** Sums up the rounds of one contestant in one heat. */
export function rowOf(heat: string, contestant: string, samples: readonly Sample[]): RaceRow {
  const middle = (pick: (sample: Sample) => number | undefined): number | undefined => {
    const known = samples.map(pick).filter((value) => value !== undefined);
    return known.length === 0 ? undefined : spreadOf(known).median;
  };
  return {
    heat,
    contestant,
    perSecond: spreadOf(samples.map((sample) => sample.perSecond)),
    ratio: spreadOf(samples.map((sample) => sample.ratio)),
    cpuUs: spreadOf(samples.map((sample) => sample.cpuUs)),
    cpuRatio: spreadOf(samples.map((sample) => sample.cpuRatio)),
    p50: middle((sample) => sample.p50),
    p99: middle((sample) => sample.p99),
    p999: middle((sample) => sample.p999),
  };
}
