import { fork } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import type { Milestones } from '../contestants/starter.ts';
import type { Scenario } from '../scenario.ts';
import { makeFolder, placeIn } from './field.ts';
import { moduleOf, OURS, rivalModule } from './starters.ts';
import { afterwards, machineFacts, type MachineFacts } from './machine.ts';
import { heading, spreadText, tell } from '../results.ts';
import { startSide, unlessEnded, type Side } from './side.ts';
import { interleaved } from './rounds.ts';
import { spreadOf, type Spread } from './spread.ts';

const ROUNDS = 15;

/** One contestant. Times in ms. */
interface StartRow {
  readonly contestant: string;
  /** Until Node runs the first line. */
  readonly born: Spread;
  /** From there until all is imported. */
  readonly imports: Spread;
  /** From there until the first call is answered: connecting is in it. */
  readonly firstCall: Spread;
  /** From the start of the process. */
  readonly answered: Spread;
}

interface StartUpResult {
  readonly machine: MachineFacts;
  readonly rounds: number;
  readonly absent: readonly string[];
  readonly rows: readonly StartRow[];
}

interface Started {
  readonly name: string;
  readonly start: () => Promise<Milestones>;
  readonly server: Side;
}

/** From the start of a process to its first call that is answered. */
export const startUp: Scenario = {
  name: 'start-up',
  seconds: 10,
  run: async (options, { progress, print }) => {
    const rounds = options.pace({ rounds: ROUNDS }).rounds;
    const folder = makeFolder();
    const contestants: (readonly [string, URL])[] = [
      [OURS, moduleOf('library')],
      ['unix frames', moduleOf('unix-frames')],
      ['ZeroMQ', rivalModule('zeromq')],
      ['grpc-js', rivalModule('grpc')],
      ['NATS', rivalModule('nats')],
    ];
    const started: Started[] = [];
    const absent: string[] = [];
    try {
      for (const [index, [name, module]] of contestants.entries()) {
        if (name !== OURS && options.only?.test(name) === false) continue;
        try {
          started.push(await prepare(name, module, folder, index));
        } catch (error) {
          absent.push(`${name}: ${(error as Error).message}`);
        }
      }
      const result = await measured(started, absent, rounds, progress);
      print(tell('start-up', result, options.saves, format));
    } finally {
      for (const { server } of started) server.stop();
      rmSync(folder, { recursive: true, force: true });
    }
    return 0;
  },
};

/** Starts the server; each start is of a client in a process of its own. */
async function prepare(name: string, module: URL, folder: string, index: number): Promise<Started> {
  const place = placeIn(folder, index);
  const server = await startSide(name, 'serve', module, place);
  const starter = new URL('../contestants/starter.js', import.meta.url);
  const start = async (): Promise<Milestones> => {
    const child = fork(starter, [module.href, JSON.stringify(place)], {
      execArgv: [],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    const ended = once(child, 'exit');
    const [milestones] = await unlessEnded(name, child, once(child, 'message'));
    await ended;
    return milestones as Milestones;
  };
  try {
    await start(); // the files are read from the disk, once
  } catch (error) {
    server.stop();
    throw error;
  }
  return { name, start, server };
}

async function measured(
  started: readonly Started[],
  absent: readonly string[],
  rounds: number,
  progress: (share: number) => void,
): Promise<StartUpResult> {
  const before = machineFacts();
  let done = 0;
  const found = await interleaved(started, rounds, async ({ start }) => {
    const milestones = await start();
    progress(++done / (rounds * started.length));
    return milestones;
  });
  const rows = [...found].map(([{ name: contestant }, all]): StartRow => {
    const spread = (of: (milestones: Milestones) => number): Spread => spreadOf(all.map(of));
    return {
      contestant,
      born: spread(({ born }) => born),
      imports: spread(({ born, imported }) => imported - born),
      firstCall: spread(({ imported, answered }) => answered - imported),
      answered: spread(({ answered }) => answered),
    };
  });
  return { machine: afterwards(before), rounds, absent, rows };
}

function format(result: StartUpResult, previous: StartUpResult | undefined): string {
  const { rounds, rows } = result;
  const row = (name: string, ...cells: readonly string[]): string =>
    `  ${name.padEnd(14)}${cells.map((cell) => cell.padStart(24)).join('')}`;
  const inMs = (spread: Spread): string => spreadText(spread, 1);
  return [
    ...heading('start-up', `${rounds} starts of each, interleaved`, result, previous),
    'ms until Node runs the first line, for the imports, for connecting and the first call, and',
    'from the start of the process to the first answer; median of the starts [quartiles]',
    '',
    row('', 'Node', 'imports', 'connect and call', 'first answer'),
    ...rows.map(({ contestant, born, imports, firstCall, answered }) =>
      row(contestant, ...[born, imports, firstCall, answered].map(inMs))),
    '',
  ].join('\n');
}
