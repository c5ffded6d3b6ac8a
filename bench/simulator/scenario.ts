import { formatSimulator } from './report.ts';
import { simulator } from './simulator.ts';
import { tell } from '../results.ts';
import type { Scenario } from '../scenario.ts';

/** The simulator's speed. */
export const simulatorScenario: Scenario = {
  name: 'simulator',
  seconds: 25,
  run: async (options, { progress, print }) => {
    const { calls = 400_000, baseline } = options;
    const result = await simulator({ rounds: options.pace().rounds, calls, baseline }, progress);
    print(tell('simulator', result, options.saves, formatSimulator));
    return result.rows.every(({ sameHistory }) => sameHistory) ? 0 : 1;
  },
};
