import type { ChildProcess } from 'node:child_process';
import type { Lap } from './worker.ts';
import type { Plan } from '../../cli/stress/plan.ts';
import { BASELINE, ownBuild } from '../macro/field.ts';
import { afterwards, machineFacts, type MachineFacts } from '../macro/machine.ts';
import { ask, forkReady } from '../macro/side.ts';
import { interleaved } from '../macro/rounds.ts';
import { spreadOf, type Spread } from '../macro/spread.ts';

/** What is measured, and how often. */
export interface SimulatorPlan {
  readonly calls: number;
  readonly rounds: number;
  /** The folder of another build, measured in the same rounds. */
  readonly baseline: URL | undefined;
}

/** One build with one set of faults. */
export interface SimulatorRow {
  readonly build: string;
  readonly faults: string;
  /** Of wall time. */
  readonly callsPerSecond: Spread;
  readonly cpuUsPerCall: Spread;
  /** This build's calls a second divided by the baseline's of the same round. */
  readonly ratio: Spread;
  /** The baseline's processor time divided by this build's. */
  readonly cpuRatio: Spread;
  /** Whether the baseline's simulation went the same way to the last count. */
  readonly sameHistory: boolean;
}

/** All that one run found. */
export interface SimulatorResult {
  readonly machine: MachineFacts;
  readonly calls: number;
  readonly rounds: number;
  readonly rows: readonly SimulatorRow[];
}

const OURS = 'this build';

/** The line of `npm start`, without its faults and with them. */
const FAULTLESS = {
  transport: 'simulated', clients: 4, inFlight: 64, payload: 64,
  loss: 0, duplicate: 0, reorder: 0, corrupt: 0, delayMs: { min: 0, max: 0 },
  memory: 'none', receiveBuffer: undefined, seed: 1,
} as const;
const FAULTY = {
  ...FAULTLESS, loss: 0.1, duplicate: 0.05, reorder: 0.1, corrupt: 0.02,
  delayMs: { min: 0, max: 3 }, memory: 'severe',
} as const;
const plans = { 'no faults': FAULTLESS, 'the faults of npm start': FAULTY } as const;

/**
 * Runs `cnrpc stress` simulated, each build in a process of its own that lives through the whole
 * run, interleaved. A first round warms up and does not count.
 */
export async function simulator(
  plan: SimulatorPlan,
  progress: (share: number) => void,
): Promise<SimulatorResult> {
  const before = machineFacts();
  const { calls, rounds, baseline } = plan;
  const builds = [{ name: OURS, url: ownBuild }];
  if (baseline !== undefined) builds.push({ name: BASELINE, url: baseline });
  const worker = new URL('worker.js', import.meta.url);
  const runners: { readonly name: string; readonly child: ChildProcess }[] = [];
  const rows: SimulatorRow[] = [];
  const laps = Object.keys(plans).length * (rounds + 1) * builds.length;
  let done = 0;
  const run = async (times: number, faults: Plan): Promise<Map<string, Lap[]>> => {
    const taken = await interleaved(runners, times, async ({ name, child }) => {
      const lap = await ask<Lap>(name, child, faults);
      progress(++done / laps);
      return lap;
    });
    return new Map([...taken].map(([{ name }, all]) => [name, all]));
  };
  try {
    for (const { name, url } of builds) {
      runners.push({ name, child: await forkReady(name, worker, [url.href]) });
    }
    for (const [faults, shape] of Object.entries(plans)) {
      await run(1, { ...shape, calls });
      const all = await run(rounds, { ...shape, calls });
      for (const { name } of runners) rows.push(rowOf(name, faults, calls, all));
    }
  } finally {
    for (const { child } of runners) child.kill();
  }
  return { machine: afterwards(before), calls, rounds, rows };
}

function rowOf(
  build: string,
  faults: string,
  calls: number,
  laps: ReadonlyMap<string, readonly Lap[]>,
): SimulatorRow {
  const bases = laps.get(BASELINE);
  const pairs = laps.get(build)!.map((own, round) => ({ own, base: bases?.[round] ?? own }));
  return {
    build,
    faults,
    callsPerSecond: spreadOf(pairs.map(({ own }) => (calls * 1000) / own.wallMs)),
    cpuUsPerCall: spreadOf(pairs.map(({ own }) => (own.cpuMs * 1000) / calls)),
    ratio: spreadOf(pairs.map(({ own, base }) => base.wallMs / own.wallMs)),
    cpuRatio: spreadOf(pairs.map(({ own, base }) => base.cpuMs / own.cpuMs)),
    sameHistory: pairs.every(({ own, base }) => own.history === base.history),
  };
}
