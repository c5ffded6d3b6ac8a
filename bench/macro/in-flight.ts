import { HELD_PAYLOAD } from '../contestants/library-calls.ts';
import type { Scenario } from '../scenario.ts';
import { local } from './starters.ts';
import type { RaceResult } from './race.ts';
import { runRace, type RaceParts } from './races.ts';
import { formatRace } from './report.ts';
import { tell } from '../results.ts';
import { formatParts, formatShares, objectsOf, weigh, type Share, type Sides } from './weigh.ts';

const MODULE = 'library-calls';
const DEPTHS = [64, 1024, 16_384, 100_000];
const GOAL = 512;

/** What `in-flight` finds: a race of depths, and what a call weighs while it is open. */
interface InFlightResult extends RaceResult {
  readonly calls: number;
  readonly bytes: Sides<Share>;
}

const race: RaceParts = {
  name: 'in-flight',
  seconds: 60,
  wording: {
    title: 'echo calls in a table of more and more in flight',
    unit: 'calls',
    first: 'the first line',
    notes: ['one session. Limits raised: waitMs, so that no call is refused for having waited'],
  },
  pace: { ms: 2_000, rounds: 5 },
  starters: ({ inFlight = DEPTHS }) => inFlight.flatMap((depth) => [
    local(nameOf(depth), MODULE),
    local(notReliable(depth), 'netlink-frames'),
  ]),
  heats: (players, { sizes = [64], inFlight = DEPTHS }) =>
    sizes.map((size) => ({
      title: `${size} B`,
      entries: [nameOf, notReliable].flatMap((name) => inFlight.flatMap((depth) =>
        players
          .filter((player) => player.name === name(depth))
          .map((player) => ({
            name: player.name,
            player,
            load: { task: 'echo', size, inFlight: depth },
          })))),
    })),
};

/** The same calls with more and more of them open. */
export const inFlight: Scenario = {
  name: race.name,
  seconds: race.seconds,
  run: async (options, { progress, print }) => {
    const raced = await runRace(race, options, { progress: (share) => progress(share * 0.8) });
    const calls = options.count ?? DEPTHS.at(-1)!;
    const bytes = await weigh(MODULE, calls);
    const result: InFlightResult = { ...raced, calls, bytes };
    print(tell(race.name, result, options.saves, (found, previous) =>
      `${formatRace(found, race.wording, previous)}\n${formatHeld(found)}\n`));
    if (options.objects) print(`${formatParts(await objectsOf(MODULE, calls)).join('\n')}\n`);
    return 0;
  },
};

function nameOf(depth: number): string {
  return `${depth} in flight`;
}

/** The same, not reliable: what V8 and the machine do to so many promises. */
function notReliable(depth: number): string {
  return `${depth}, not reliable`;
}

function formatHeld({ calls, bytes }: InFlightResult): string {
  return [
    `${calls.toLocaleString('en')} calls that run at the server: bytes each, of them `
      + `${HELD_PAYLOAD} payload; goal: ${GOAL} beyond it`,
    ...formatShares(bytes),
  ].join('\n');
}
