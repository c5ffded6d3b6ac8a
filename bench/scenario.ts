import type { Options } from './options.ts';

/** Where a scenario says what it does and what it found. */
export interface Screen {
  /** Takes how much is done, from 0 to 1. */
  readonly progress: (share: number) => void;
  readonly print: (text: string) => void;
}

/** A scenario has no result. The message is a sentence: what is missing, or who ended. */
export class Unmeasured extends Error {}

/** Something that `npm run bench` can measure. */
export interface Scenario {
  readonly name: string;
  /** How long it takes in a run of everything, about: for the progress bar. */
  readonly seconds: number;
  /**
   * Measures, prints and, where the options allow, saves. Gives the number of failures: a goal
   * that is missed is a figure and no failure. Throws `Unmeasured`.
   */
  readonly run: (options: Options, screen: Screen) => Promise<number> | number;
}
