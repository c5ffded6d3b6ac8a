import { local } from './starters.ts';
import { raceScenario, sameLoad } from './races.ts';
import type { Scenario } from '../scenario.ts';

const PROCESSES = 4;

/** The same calls over more and more sessions. */
export const clients: Scenario = raceScenario({
  name: 'clients',
  seconds: 30,
  wording: {
    title: 'echo calls over many sessions',
    unit: 'calls',
    first: '1 session',
    notes: [
      'so many in flight over all sessions, in turn; sessions are spread over at most',
      `${PROCESSES} processes with an endpoint each. Limits raised:`,
      'sessionsPerPeerMax, sessionsMax, waitMs',
    ],
  },
  pace: { ms: 1_000 },
  starters: () => [1, 10, 100, 1000].map((sessions) =>
    local(`${sessions} session${sessions === 1 ? '' : 's'}`, 'library-sessions', {
      clients: Math.min(sessions, PROCESSES), sessions })),
  heats: (players, { sizes = [64], inFlight = [1000, 16_000] }) =>
    sizes.flatMap((size) =>
      inFlight.map((count) =>
        sameLoad(players, `${size} B, ${count} in flight`, {
          task: 'echo', size, inFlight: count }))),
});
