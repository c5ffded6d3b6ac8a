import type { Options } from '../options.ts';
import type { Scenario, Screen } from '../scenario.ts';
import { withField } from './field.ts';
import type { Starter } from './starters.ts';
import { race, type Heat, type Pace, type RaceResult } from './race.ts';
import { formatRace, type Wording } from './report.ts';
import { tell } from '../results.ts';
import type { Player } from './player.ts';

/** A scenario in which contestants are measured side by side. */
export interface RaceParts {
  readonly name: string;
  readonly seconds: number;
  readonly wording: Wording;
  /** What differs from the usual pace, where nothing else is asked for. */
  readonly pace?: Partial<Pace>;
  /** Who takes part, the one that the others are compared with first. */
  readonly starters: (options: Options) => readonly Starter[];
  readonly heats: (players: readonly Player[], options: Options) => readonly Heat[];
}

/** Makes a scenario of a race. */
export function raceScenario(parts: RaceParts): Scenario {
  return {
    name: parts.name,
    seconds: parts.seconds,
    run: async (options, screen) => {
      const result = await runRace(parts, options, screen);
      const format = (found: RaceResult, previous: RaceResult | undefined): string =>
        formatRace(found, parts.wording, previous);
      screen.print(tell(parts.name, result, options.saves, format));
      return 0;
    },
  };
}

/** Starts the contestants, measures them side by side and ends them. */
export async function runRace(
  { starters, heats, pace }: RaceParts,
  options: Options,
  { progress }: Pick<Screen, 'progress'>,
): Promise<RaceResult> {
  return withField(starters(options), options, (field) =>
    race(field, heats(field.players, options), options.pace(pace), progress));
}

/** Heats in which every contestant has the same load. */
export function sameLoad(
  players: readonly Player[],
  title: string,
  load: Heat['entries'][number]['load'],
): Heat {
  return { title, entries: players.map((player) => ({ name: player.name, player, load })) };
}
