import { local, native, OURS } from './starters.ts';
import { raceScenario, sameLoad } from './races.ts';
import type { Scenario } from '../scenario.ts';

/** Calls to the kernel's own agent. */
export const kernel: Scenario = raceScenario({
  name: 'kernel',
  seconds: 15,
  wording: {
    title: 'calls to the kernel\'s cn_proc',
    unit: 'calls',
    first: OURS,
    notes: ['needs Linux 6.6, or CAP_NET_ADMIN before; events of other processes come between'],
  },
  starters: () => [local(OURS, 'library-kernel'), native('C with epoll', 'kernel', 'call')],
  heats: (players, { inFlight = [1, 8, 64] }) =>
    inFlight.map((count) =>
      sameLoad(players, `${count} in flight`, { task: 'echo', size: 0, inFlight: count })),
});
