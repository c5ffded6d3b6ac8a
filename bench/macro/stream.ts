import { local, OURS } from './starters.ts';
import { raceScenario, sameLoad } from './races.ts';
import type { Scenario } from '../scenario.ts';

const directions = [
  ['down', 'from server to client'],
  ['up', 'from client to server'],
  ['both', 'both ways at the same time'],
] as const;

/** Streams of values, in bytes. */
export const stream: Scenario = raceScenario({
  name: 'stream',
  seconds: 45,
  wording: {
    title: 'streams',
    unit: 'MiB',
    first: OURS,
    notes: [
      'net: Node\'s streams over a Unix socket, without frames: its taker gets chunks as they',
      'come, ours values',
    ],
  },
  starters: () => [local(OURS, 'library'), local('net', 'unix-stream')],
  heats: (players, { sizes = [1024, 65_536] }) =>
    sizes.flatMap((size) =>
      directions.map(([task, title]) =>
        sameLoad(players, `values of ${size} B, ${title}`, { task, size, inFlight: 1 }))),
});
