import { pressure, pressurePictures } from './pressure.ts';
import { formatPressure } from './report.ts';
import { tell } from '../results.ts';
import type { Scenario } from '../scenario.ts';

/** Calls under pressure, as tables and pictures. */
export const pressureScenario: Scenario = {
  name: 'pressure',
  seconds: 80,
  run: async (options, { progress, print }) => {
    const { inFlight = [1, 64, 1024] } = options;
    const { rounds, ms } = options.pace({ rounds: 5 });
    const result = await pressure({ inFlight, rounds, ms }, progress);
    const pictures = pressurePictures(result);
    print(tell('pressure', result, options.saves, formatPressure, pictures));
    return 0;
  },
};
