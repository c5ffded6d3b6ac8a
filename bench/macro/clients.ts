import { local } from './starters.ts';
import type { Heat } from './race.ts';
import { raceScenario } from './races.ts';
import type { Scenario } from '../scenario.ts';

const SESSIONS = [1, 10, 100, 1000];
const PROCESSES = 4;
/** In flight in each session: so many share a datagram, however many sessions there are. */
const EACH = 16;
/** In flight over all sessions: a datagram carries fewer of them the more sessions there are. */
const IN_ALL = 1000;

/** The same calls over more and more sessions. */
export const clients: Scenario = raceScenario({
  name: 'clients',
  seconds: 30,
  wording: {
    title: 'echo calls over many sessions',
    unit: 'calls',
    first: '1 session',
    notes: [
      `sessions are spread over at most ${PROCESSES} processes with an endpoint each.`,
      'Limits raised: sessionsPerPeerMax, sessionsMax, waitMs',
    ],
  },
  pace: { ms: 1_000 },
  starters: () => SESSIONS.map((sessions) =>
    local(nameOf(sessions), 'library-sessions', {
      clients: Math.min(sessions, PROCESSES), sessions })),
  heats: (players, { sizes = [64], inFlight = [IN_ALL] }) => {
    const heat = (title: string, size: number, count: (sessions: number) => number): Heat => ({
      title: `${size} B, ${title}`,
      entries: SESSIONS.flatMap((sessions) =>
        players
          .filter(({ name }) => name === nameOf(sessions))
          .map((player) => ({
            name: player.name,
            player,
            load: { task: 'echo', size, inFlight: count(sessions) },
          }))),
    });
    return sizes.flatMap((size) => [
      heat(`${EACH} in flight in each session`, size, (sessions) => EACH * sessions),
      ...inFlight.map((count) => heat(`${count} in flight in all`, size, () => count)),
    ]);
  },
});

function nameOf(sessions: number): string {
  return `${sessions} session${sessions === 1 ? '' : 's'}`;
}
