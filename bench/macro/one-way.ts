import { local, native, OURS } from './starters.ts';
import { raceScenario, sameLoad } from './races.ts';
import type { Scenario } from '../scenario.ts';

/** Messages that nobody replies to. */
export const oneWay: Scenario = raceScenario({
  name: 'one-way',
  seconds: 25,
  wording: {
    title: 'one-way messages',
    unit: 'messages',
    first: OURS,
    notes: [
      'ours is done when the peer has accepted it, the others when the system has it: C blocks',
      'while the peer\'s queue is full, Unix frames wait for the stream',
    ],
  },
  starters: () => [
    local(OURS, 'library'),
    native('C, one a datagram', 'netlink', 'post', 'sink'),
    local('unix frames', 'unix-frames'),
  ],
  heats: (players, { sizes = [1024], inFlight = [64, 1024] }) =>
    sizes.flatMap((size) =>
      inFlight.map((count) =>
        sameLoad(players, `${size} B, ${count} in flight`, {
          task: 'oneWay', size, inFlight: count }))),
});
