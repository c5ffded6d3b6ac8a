import { rmSync } from 'node:fs';
import type { Answers } from '../contestants/questions.ts';
import type { Scenario } from '../scenario.ts';
import { makeFolder, placeIn } from './field.ts';
import { moduleOf } from './starters.ts';
import { afterwards, machineFacts, type MachineFacts } from './machine.ts';
import { heading, tell } from '../results.ts';
import { startSide, type Side } from './side.ts';
import { trendOf, type Trend } from './trend.ts';

const MINUTES = 10;
const BRIEF_MINUTES = 0.5;
/** In less V8 still compiles and the tables with a bound still fill: that is growth, and ends. */
const JUDGED_MINUTES = 5;
const SAMPLES = 60;
const IN_FLIGHT = 64;
const PAYLOAD = 256;
/** What grows by less than that does not: a part of the mean, and so many bytes or entries. */
const TOLERATED = 0.02;
const TOLERATED_BYTES = 128 * 1024;
const TOLERATED_ENTRIES = 16;
const QUIET_MS = 200;

type Measures = Readonly<Record<string, number>>;

/** One thing that was sampled at one side. */
interface SoakRow {
  readonly side: 'server' | 'client';
  readonly measure: string;
  /** Of the second half. */
  readonly trend: Trend;
  readonly grows: boolean;
  readonly samples: readonly number[];
}

interface SoakResult {
  readonly machine: MachineFacts;
  readonly minutes: number;
  readonly calls: number;
  readonly rows: readonly SoakRow[];
}

/** Everything at once, for long: what is in use after a collection must not grow. */
export const soak: Scenario = {
  name: 'soak',
  seconds: BRIEF_MINUTES * 60,
  run: async (options, { progress, print }) => {
    const minutes = options.minutes ?? (options.brief ? BRIEF_MINUTES : MINUTES);
    const result = await run(minutes, progress);
    print(tell('soak', result, options.saves && !options.brief, format));
    return minutes < JUDGED_MINUTES ? 0 : result.rows.filter(({ grows }) => grows).length;
  },
};

async function run(minutes: number, progress: (share: number) => void): Promise<SoakResult> {
  const before = machineFacts();
  const folder = makeFolder();
  const place = placeIn(folder, 0);
  const module = moduleOf('library-mixed');
  const sides: Side[] = [];
  const samples: (readonly [Measures, Measures])[] = [];
  const ms = (minutes * 60_000) / SAMPLES;
  let calls = 0;
  try {
    sides.push(await startSide('server', 'serve', module, place));
    sides.push(await startSide('client', 'connect', module, place));
    const [server, client] = sides as [Side, Side];
    const load = { task: 'mixed', size: PAYLOAD, inFlight: IN_FLIGHT, ms } as const;
    for (let taken = 0; taken < SAMPLES; progress(++taken / SAMPLES)) {
      calls += (await client.ask({ kind: 'measure', load })).done;
      await new Promise((resolve) => setTimeout(resolve, QUIET_MS)); // acknowledgements
      samples.push([await sample(server), await sample(client)]);
    }
  } finally {
    for (const side of sides) side.stop();
    rmSync(folder, { recursive: true, force: true });
  }
  const names = (at: 0 | 1): string[] => Object.keys(samples[0]![at]);
  const rows = ([['server', 0], ['client', 1]] as const).flatMap(([side, at]) =>
    names(at).map((measure) =>
      rowOf(side, measure, samples.map((both) => both[at]![measure]!))));
  return { machine: afterwards(before), minutes, calls, rows };
}

async function sample(side: Side): Promise<Measures> {
  const { heapUsed, external, arrayBuffers, rss }: Answers['weigh'] =
    await side.ask({ kind: 'weigh' });
  const tables = await side.ask({ kind: 'tables' });
  return { heapUsed, external, arrayBuffers, rss, ...tables };
}

function rowOf(side: SoakRow['side'], measure: string, samples: readonly number[]): SoakRow {
  const trend = trendOf(samples.slice(samples.length / 2));
  const bytes = measure === 'heapUsed' || measure === 'external' || measure === 'arrayBuffers';
  const least = bytes ? TOLERATED_BYTES : TOLERATED_ENTRIES;
  const tolerated = Math.max(least, trend.mean * TOLERATED);
  // The system takes pages back when it likes: that is shown, and not judged.
  const grows = measure !== 'rss' && trend.growth > tolerated && trend.growth > 2 * trend.error;
  return { side, measure, trend, grows, samples };
}

function format(result: SoakResult, previous: SoakResult | undefined): string {
  const { minutes, calls, rows } = result;
  const cell = (value: number): string => Math.round(value).toLocaleString('en').padStart(14);
  const how = `${minutes} minutes, ${calls.toLocaleString('en')} things done`;
  return [
    ...heading('soak', how, result, previous),
    `${IN_FLIGHT} at the same time over netlink: calls, messages, streams, long values, failures,`,
    'deadlines that pass, calls that are cancelled, sessions that come and go.',
    `In use at rest after full collections, ${SAMPLES} samples; a line fitted through the second `
      + 'half.',
    `Grows: by more than ${TOLERATED * 100} % of the mean, ${TOLERATED_BYTES / 1024} KiB or `
      + `${TOLERATED_ENTRIES} entries (whichever is most), and twice its error.\n`,
    ...(minutes < JUDGED_MINUTES ? [`Less than ${JUDGED_MINUTES} minutes prove nothing.\n`] : []),
    [''.padEnd(24), ...['mean', 'growth', 'error of it'].map((each) => each.padStart(14))].join(''),
    ...rows.map(({ side, measure, trend: { mean, growth, error }, grows }) =>
      `  ${`${side} ${measure}`.padEnd(22)}${cell(mean)}${cell(growth)}${cell(error)}`
        + (grows ? '  GROWS' : '')),
    '',
  ].join('\n');
}
