/** Runs simulations with the build whose folder it is given, each as it is ordered. */
import type * as Simulated from '../../cli/stress/simulated.ts';
import { runPlain, type Parts } from './plain.ts';
import type { Plan } from '../../cli/stress/plan.ts';

/** A run of `cnrpc stress`, or, `plain`, of calls that nobody checks. */
export interface Order extends Plan {
  readonly plain: boolean;
}

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
const parts = Object.assign({}, ...await Promise.all(
  ['core/virtual-clock', 'core/random', 'transport/simulated/network', 'sessions/endpoint'].map(
    (module) => import(`${build}${module}.js`)))) as Parts;

async function lap(order: Order): Promise<Lap> {
  return order.plain ? timed(() => runPlain(parts, order)) : timed(() => stress(order));
}

async function timed(run: () => Promise<object>): Promise<Lap> {
  const before = process.cpuUsage();
  const began = performance.now();
  const history = await run();
  const wallMs = performance.now() - began;
  const { user, system } = process.cpuUsage(before);
  return { wallMs, cpuMs: (user + system) / 1000, history: JSON.stringify(history) };
}

async function stress(plan: Plan): Promise<object> {
  const watch = {
    progress: (): void => {},
    watched: false,
    interruption: new AbortController().signal,
  };
  const { wallMs: _wall, ...history } = await runSimulated(plan, watch);
  return history;
}

process.on('disconnect', () => process.exit());
process.on('message', (order: Order) => {
  void lap(order).then((taken) => process.send?.(taken));
});
process.send?.('ready');
