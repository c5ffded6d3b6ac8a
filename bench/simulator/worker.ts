/** Runs simulations with the build whose folder it is given, each as it is ordered. */
import type * as Simulated from '../../cli/stress/simulated.ts';
import type { Plan } from '../../cli/stress/plan.ts';

/** What a run took, and what is the same each time. */
export interface Lap {
  readonly wallMs: number;
  /** Of all threads. */
  readonly cpuMs: number;
  /** Everything that the run counted in virtual time: two builds agree on it, or one is wrong. */
  readonly history: string;
}

const [build] = process.argv.slice(2) as [string];
const { runSimulated } = (await import(`${build}cli/stress/simulated.js`)) as typeof Simulated;

async function lap(plan: Plan): Promise<Lap> {
  const watch = {
    progress: (): void => {},
    watched: false,
    interruption: new AbortController().signal,
  };
  const before = process.cpuUsage();
  const { wallMs, ...history } = await runSimulated(plan, watch);
  const { user, system } = process.cpuUsage(before);
  return { wallMs, cpuMs: (user + system) / 1000, history: JSON.stringify(history) };
}

process.on('disconnect', () => process.exit());
process.on('message', (plan: Plan) => {
  void lap(plan).then((taken) => process.send?.(taken));
});
process.send?.('ready');
