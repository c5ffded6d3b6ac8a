import type { Options } from './options.ts';

/** Where a scenario says what it does and what it found. */
export interface Screen {
  /** Takes how much is done, from 0 to 1. */
  readonly progress: (share: number) => void;
  readonly print: (text: string) => void;
}

/** Something that `npm run bench` can measure. */
export interface Scenario {
  readonly name: string;
  /** How long it takes in a run of everything, about: for the progress bar. */
  readonly seconds: number;
  /**
   * Measures, prints and, where the options allow, saves. Gives the number of failures: a goal
   * that is missed is a figure and no failure.
   */
  readonly run: (options: Options, screen: Screen) => Promise<number> | number;
}
