import type { ChildProcess } from 'node:child_process';
import { availableParallelism } from 'node:os';
import type { Lap, Order } from './worker.ts';
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
  /** Simulations side by side, each in a process and with a seed of its own. */
  readonly worlds: number;
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

/** The line of `npm start`, without its faults and with them, and calls that nobody checks. */
const FAULTLESS = {
  transport: 'simulated', clients: 4, inFlight: 64, payload: 64,
  loss: 0, duplicate: 0, reorder: 0, corrupt: 0, delayMs: { min: 0, max: 0 },
  memory: 'none', receiveBuffer: undefined, seed: 1, plain: false,
} as const;
const FAULTY = {
  ...FAULTLESS, loss: 0.1, duplicate: 0.05, reorder: 0.1, corrupt: 0.02,
  delayMs: { min: 0, max: 3 }, memory: 'severe',
} as const;
const plans = {
  'plain calls': { ...FAULTLESS, plain: true },
  'no faults': FAULTLESS,
  'the faults of npm start': FAULTY,
} as const;

/** Processes that simulate at the same time. */
interface Runner {
  readonly name: string;
  readonly children: readonly ChildProcess[];
}

/**
 * Simulates plain calls and runs of `cnrpc stress`, each build in a process of its own for each of
 * them, interleaved; this build also with as many simulations at once as there are processors, as
 * `cnrpc simulate` runs them. A first round warms up and does not count.
 */
export async function simulator(
  plan: SimulatorPlan,
  progress: (share: number) => void,
): Promise<SimulatorResult> {
  const before = machineFacts();
  const { calls, rounds, baseline } = plan;
  const builds = [
    { name: OURS, url: ownBuild, worlds: 1 },
    { name: OURS, url: ownBuild, worlds: availableParallelism() },
  ];
  if (baseline !== undefined) builds.push({ name: BASELINE, url: baseline, worlds: 1 });
  const rows: SimulatorRow[] = [];
  const laps = Object.keys(plans).length * (rounds + 1) * builds.length;
  let done = 0;
  const run = (runners: Runner[], times: number, order: Order): Promise<Map<Runner, Lap[]>> =>
    interleaved(runners, times, async (runner) => {
      const lap = await together(runner, order);
      progress(++done / laps);
      return lap;
    });
  for (const [faults, shape] of Object.entries(plans)) {
    const runners: Runner[] = [];
    try {
      // Anew for each: V8 would have compiled for what ran before.
      for (const build of builds) await start(build, runners);
      await run(runners, 1, { ...shape, calls });
      const all = await run(runners, rounds, { ...shape, calls });
      const bases = [...all].find(([{ name }]) => name === BASELINE)?.[1];
      for (const [runner, taken] of all) rows.push(rowOf(runner, faults, calls, taken, bases));
    } finally {
      for (const { children } of runners) for (const child of children) child.kill();
    }
  }
  return { machine: afterwards(before), calls, rounds, rows };
}

/** Starts the processes of a build; they are among the runners before they are up. */
async function start(
  { name, url, worlds }: { name: string; url: URL; worlds: number },
  runners: Runner[],
): Promise<void> {
  const children: ChildProcess[] = [];
  runners.push({ name, children });
  while (children.length < worlds) {
    children.push(await forkReady(name, new URL('worker.js', import.meta.url), [url.href]));
  }
}

/** Has all processes of a runner simulate at once, each with another seed. */
async function together({ name, children }: Runner, plan: Order): Promise<Lap> {
  const began = performance.now();
  const laps = await Promise.all(children.map((child, index) =>
    ask<Lap>(name, child, { ...plan, seed: plan.seed + index })));
  const cpuMs = laps.reduce((sum, lap) => sum + lap.cpuMs, 0);
  const wallMs = children.length === 1 ? laps[0]!.wallMs : performance.now() - began;
  return { wallMs, cpuMs, history: laps[0]!.history };
}

function rowOf(
  { name, children }: Runner,
  faults: string,
  callsEach: number,
  laps: readonly Lap[],
  bases: readonly Lap[] | undefined,
): SimulatorRow {
  const worlds = children.length;
  const calls = callsEach * worlds;
  const compared = worlds === 1 ? bases : undefined;
  const pairs = laps.map((own, round) => ({ own, base: compared?.[round] ?? own }));
  return {
    build: name,
    faults,
    worlds,
    callsPerSecond: spreadOf(pairs.map(({ own }) => (calls * 1000) / own.wallMs)),
    cpuUsPerCall: spreadOf(pairs.map(({ own }) => (own.cpuMs * 1000) / calls)),
    ratio: spreadOf(pairs.map(({ own, base }) => base.wallMs / own.wallMs)),
    cpuRatio: spreadOf(pairs.map(({ own, base }) => base.cpuMs / own.cpuMs)),
    sameHistory: pairs.every(({ own, base }) => own.history === base.history),
  };
}
