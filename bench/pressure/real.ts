import { rmSync } from 'node:fs';
import { sizeText } from './questions.ts';
import type { PressedPlace } from '../contestants/library-pressed.ts';
import type { Score } from '../contestants/measure.ts';
import { makeFolder, placeIn } from '../macro/field.ts';
import { moduleOf } from '../macro/starters.ts';
import { startNode, type Cost, type Player } from '../macro/player.ts';
import { interleaved } from '../macro/rounds.ts';
import { spreadOf, type Spread } from '../macro/spread.ts';

/** One answer on the real netlink, between two processes: medians of rounds. */
export interface RealRow {
  readonly buffer: string;
  /** How long the server is blocked after each batch. */
  readonly lateMs: number;
  readonly inFlight: number;
  readonly callsPerSecond: Spread;
  readonly cpuUsPerCall: Spread;
  /** Times in ms. */
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly transmissions: number;
  readonly datagrams: number;
  /** In all rounds. */
  readonly drops: number;
}

/** How often, for how long, and how much in flight. */
export interface RealPlan {
  readonly inFlight: readonly number[];
  readonly rounds: number;
  readonly ms: number;
}

type Sample = Score & Cost;
type Pressed = Player & { readonly place: PressedPlace };

const BUFFERS: readonly (number | undefined)[] = [2304, 4608, 16 * 1024, undefined];
const LATE_MS = [0, 2];
const WARM_UP_MS = 500;

/** How many measurements that are. */
export function realSteps({ inFlight, rounds }: RealPlan): number {
  return inFlight.length * (rounds + 1) * BUFFERS.length * LATE_MS.length;
}

/**
 * Makes echo calls over the real netlink with small receive buffers and a server that reads late,
 * interleaved. A first round warms up and does not count.
 */
export async function answerReal(plan: RealPlan, answered: () => void): Promise<RealRow[]> {
  const folder = makeFolder();
  const players: Pressed[] = [];
  const rows: RealRow[] = [];
  try {
    for (const place of placesIn(folder)) {
      const name = `${labelOf(place)}, ${place.lateMs} ms late`;
      players.push({ ...await startNode(name, moduleOf('library-pressed'), place), place });
    }
    for (const inFlight of plan.inFlight) {
      const run = (rounds: number, ms: number): Promise<Map<Pressed, Sample[]>> =>
        interleaved(players, rounds, async (player) => {
          const load = { task: 'echo', size: 64, inFlight, ms, every: 1 } as const;
          const score = await player.measure(load);
          answered();
          return score;
        });
      await run(1, WARM_UP_MS);
      for (const [{ place }, samples] of await run(plan.rounds, plan.ms)) {
        rows.push(rowOf(place, inFlight, samples));
      }
    }
  } finally {
    for (const player of players) player.stop();
    rmSync(folder, { recursive: true, force: true });
  }
  return rows;
}

function placesIn(folder: string): PressedPlace[] {
  return LATE_MS.flatMap((lateMs, turn) => BUFFERS.map((receiveBuffer, at) => ({
    ...placeIn(folder, turn * BUFFERS.length + at), receiveBuffer, lateMs,
  })));
}

function labelOf({ receiveBuffer }: PressedPlace): string {
  return receiveBuffer === undefined ? 'default' : sizeText(receiveBuffer);
}

function rowOf(place: PressedPlace, inFlight: number, samples: readonly Sample[]): RealRow {
  const middle = (pick: (sample: Sample) => number): number =>
    spreadOf(samples.map(pick)).median;
  return {
    buffer: labelOf(place),
    lateMs: place.lateMs,
    inFlight,
    callsPerSecond: spreadOf(samples.map((sample) => sample.perSecond)),
    cpuUsPerCall: spreadOf(samples.map((sample) => sample.cpuUs)),
    p50: middle((sample) => sample.p50!),
    p99: middle((sample) => sample.p99!),
    p999: middle((sample) => sample.p999!),
    transmissions: middle(({ sent, done }) => sent!.transmissions / done),
    datagrams: middle(({ sent, done }) => sent!.datagrams / done),
    drops: samples.reduce((sum, { sent }) => sum + sent!.drops, 0),
  };
}
