import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Pace } from './macro/race.ts';
import type { Choice } from './macro/field.ts';
import { optionLines, wrap } from '../cli/help.ts';
import { pattern, wholeNumber, type Kind } from '../cli/kinds.ts';
import { Misuse } from '../cli/misuse.ts';
import { flag, optional, parse } from '../cli/options.ts';

/** What the command line asks of the scenarios. */
export interface Options extends Choice {
  /** Undefined: as the scenario has it. */
  readonly sizes: readonly number[] | undefined;
  readonly inFlight: readonly number[] | undefined;
  /** Of the lossy links, those whose names match. */
  readonly link: RegExp | undefined;
  readonly count: number | undefined;
  readonly calls: number | undefined;
  readonly minutes: number | undefined;
  /** Whether to tell which objects make up the memory. */
  readonly objects: boolean;
  /** The whole of it is to take about ten minutes. */
  readonly brief: boolean;
  /**
   * Whether results are kept: what was asked for with options is not what the next run is to be
   * compared with.
   */
  readonly saves: boolean;
  /** The pace asked for, or the usual one; a scenario may differ from it, and when it is brief. */
  readonly pace: (usual?: Partial<Pace>, brief?: Partial<Pace>) => Pace;
}

const USUAL: Pace = { rounds: 7, ms: 400, warmUpMs: 2_000 };
const BRIEF: Pace = { rounds: 5, ms: 200, warmUpMs: 1_000 };
/** Sessions of one process, less those that are there before it is weighed. */
const COUNT_MAX = 130_000;

/** The patterns of names: in whatever case. */
const names: Kind<RegExp> = {
  ...pattern,
  read: (text) => {
    const found = pattern.read(text);
    return found === undefined ? undefined : new RegExp(found, 'iu');
  },
};

const build: Kind<URL> = {
  placeholder: 'DIR',
  expects: 'the folder of a build, with index.js in it',
  read: (text) => {
    const folder = resolve(text);
    return existsSync(`${folder}/index.js`) ? pathToFileURL(`${folder}/`) : undefined;
  },
};

const table = {
  against: optional(build, 'A second build of the library (its dist), in the same rounds.'),
  only: optional(names, 'Of the rivals, those whose names match.'),
  rounds: optional(wholeNumber(1, 1_000), 'How often each load is measured.'),
  ms: optional(wholeNumber(1, 600_000), 'For how long each time.'),
  'in-flight': optional(some(wholeNumber(1, 100_000)), 'So many at the same time.'),
  size: optional(some(wholeNumber(0, 1_000_000)), 'Bytes of a payload, or of a value.'),
  link: optional(names, 'Of the lossy links, those whose names match.'),
  count: optional(wholeNumber(1, COUNT_MAX), 'Sessions, or calls, of those that are weighed.'),
  calls: optional(wholeNumber(1, 1_000_000_000), 'Of each simulation.'),
  minutes: optional(wholeNumber(1, 10_000), 'How long the soak takes.'),
  objects: flag('Say which objects that memory consists of.'),
};

/** Reads the command line: the scenarios' names, none for all, and the options. Throws `Misuse`. */
export function readOptions(
  args: readonly string[],
  known: readonly string[],
): { readonly names: readonly string[]; readonly options: Options } {
  const { values, positionals } = parse(table, args);
  const unknown = positionals.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw new Misuse(`there is no benchmark "${unknown}", only ${known.join(', ')}`);
  }
  const { against, only, rounds, ms, size, link, count, calls, minutes, objects } = values;
  const brief = positionals.length === 0;
  const options: Options = {
    only,
    baseline: against,
    sizes: size,
    inFlight: values['in-flight'],
    link,
    count,
    calls,
    minutes,
    objects,
    brief,
    saves: args.length === positionals.length,
    pace: (own = {}, ownBrief = BRIEF) => {
      const pace = brief ? { ...BRIEF, ...ownBrief } : { ...USUAL, ...own };
      return { ...pace, rounds: rounds ?? pace.rounds, ms: ms ?? pace.ms };
    },
  };
  return { names: brief ? known : positionals, options };
}

/** The help, a line each. */
export function help(known: readonly string[]): string[] {
  return [
    'Usage: npm run bench [-- [NAME...] [options]]',
    '',
    ...wrap(`Measures what is named, or everything in about ten minutes: ${known.join(', ')}.`),
    '',
    ...wrap('Compares with the run before, kept in bench/results. What is asked for with options '
      + 'is not kept. The exit code is 0 if all was measured, 1 if not, 2 if the command line is '
      + 'wrong.'),
    '',
    'Options:',
    ...optionLines(table),
  ];
}

function some<T>({ placeholder, expects, read }: Kind<T>): Kind<readonly T[]> {
  return {
    placeholder: `${placeholder},…`,
    expects: `${expects}, or more of them with commas between`,
    read: (text) => {
      const values = text.split(',').map(read);
      return values.every((value) => value !== undefined) ? values : undefined;
    },
  };
}
