import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import type { Pace } from './macro/race.ts';
import type { Choice } from './macro/field.ts';

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
  /** The pace asked for, or the usual one. */
  readonly pace: (usual?: Partial<Pace>) => Pace;
}

const text = { type: 'string' } as const;
const USUAL: Pace = { rounds: 7, ms: 400, warmUpMs: 2_000 };
const BRIEF: Pace = { rounds: 5, ms: 200, warmUpMs: 1_000 };

/** Reads the command line: the scenarios' names, and what is asked of them. */
export function readOptions(): { readonly names: readonly string[]; readonly options: Options } {
  const { values, positionals: names } = parseArgs({
    allowPositionals: true,
    options: {
      against: text, only: text, rounds: text, ms: text, 'in-flight': text, size: text,
      count: text, calls: text, minutes: text, link: text,
      objects: { type: 'boolean', default: false },
    },
  });
  const { against, only, rounds, ms, count, calls, minutes, link, objects } = values;
  const brief = names.length === 0;
  const options: Options = {
    only: only === undefined ? undefined : new RegExp(only, 'i'),
    baseline: against === undefined ? undefined : pathToFileURL(`${resolve(against)}/`),
    sizes: numbers(values.size),
    inFlight: numbers(values['in-flight']),
    link: link === undefined ? undefined : new RegExp(link, 'i'),
    count: number(count),
    calls: number(calls),
    minutes: number(minutes),
    objects,
    brief,
    saves: Object.entries(values).every(([name, value]) => name === 'objects' && value === false),
    pace: (usual = {}) => {
      const pace = brief ? BRIEF : { ...USUAL, ...usual };
      return { ...pace, rounds: number(rounds) ?? pace.rounds, ms: number(ms) ?? pace.ms };
    },
  };
  return { names, options };
}

function number(value: string | undefined): number | undefined {
  return value === undefined ? undefined : Number(value);
}

function numbers(list: string | undefined): number[] | undefined {
  return list?.split(',').map(Number);
}
