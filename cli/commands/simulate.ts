import { command, type Command } from '../command.ts';
import { wholeNumber, type Kind } from '../kinds.ts';
import { Failure, Misuse } from '../misuse.ts';
import { noOperands } from '../operands.ts';
import { flag, optional } from '../options.ts';
import type { Shell } from '../shell.ts';
import { SeedBar } from '../simulate/bar.ts';
import { drawPlan } from '../simulate/draw.ts';
import { playSeeds, type Seeds } from '../simulate/pool.ts';
import { replayCommand, reportOf, type SeedResult } from '../simulate/result.ts';
import { playSeed } from '../simulate/story.ts';
import { failureText, planText, reportText } from '../simulate/text.ts';
import { legend } from '../simulate/trace.ts';

const SEED_MAX = 0xffff_ffff;
const seedKind = wholeNumber(0, SEED_MAX);

const seedsKind: Kind<Seeds> = {
  placeholder: 'A..B',
  expects: `A..B, two whole numbers, 0 <= A <= B <= ${SEED_MAX}`,
  read: (text) => {
    const [first, last, ...rest] = text.split('..').map((part) => seedKind.read(part));
    if (first === undefined || last === undefined || rest.length > 0) return undefined;
    return first <= last ? { first, last } : undefined;
  },
};

export const simulate: Command = command({
  name: 'simulate',
  operands: '',
  summary: 'Play random worlds with random faults and check every invariant.',
  details: [
    'Each seed draws a world - endpoints that serve, call or both, their limits, bare peers, the '
      + 'mix of calls, who publishes and who listens - and its faults: loss, copies, damage, cuts, '
      + 'overrun, crashes, hostile peers. First everything must be safe; then the faults stop, and '
      + 'everything must work; then all is closed, and nothing may be left.',
    'A book kept outside of the code under test says what holds: no request runs twice, replies '
      + 'are their own calls\', channels keep their order, failed calls state their outcome truly '
      + 'and in time, tables keep their bounds; every event is given once and in order, or '
      + 'reported to be missing. The exit code is 0 only if all did.',
    'The same seed gives the same history on every machine. Many seeds are played by as many '
      + 'processes as there are processors.',
  ],
  options: {
    seeds: optional(seedsKind, 'Play all seeds from A to B.'),
    'until-failure': flag('Stop at the first seed that fails. With --seeds only.'),
    seed: optional(seedKind, 'Play one seed and show its world.'),
    trace: flag('Print one line for each notable event. With --seed only.'),
  },
  run: async (values, operands, shell) => {
    noOperands(operands);
    const { seed, seeds, trace } = values;
    const untilFailure = values['until-failure'];
    if (seeds !== undefined && seed !== undefined) {
      throw new Misuse('--seeds and --seed exclude each other');
    }
    if (trace && seed === undefined) throw new Misuse('--trace goes with --seed only');
    if (untilFailure && seeds === undefined) {
      throw new Misuse('--until-failure goes with --seeds only');
    }
    if (trace && shell.json) throw new Misuse('--trace and --json exclude each other');
    if (seeds !== undefined) return await playMany(seeds, untilFailure, shell);
    if (seed !== undefined) return await playOne(seed, trace, shell);
    throw new Misuse('--seeds A..B or --seed N is needed');
  },
});

async function playOne(seed: number, trace: boolean, shell: Shell): Promise<number> {
  const began = performance.now();
  if (!shell.json) shell.text(...planText(drawPlan(seed)), '');
  if (trace) shell.text(...legend, '');
  const result = await playSeed(seed, trace ? (line) => shell.text(line) : undefined);
  if (trace) shell.text('', `digest     ${result.digest}`);
  return conclude([result], performance.now() - began, shell);
}

async function playMany(seeds: Seeds, untilFailure: boolean, shell: Shell): Promise<number> {
  const began = performance.now();
  const bar = new SeedBar(seeds.last - seeds.first + 1, !shell.json);
  const { interruption } = shell;
  const done = ({ violations }: SeedResult): void => bar.add(violations.length === 0);
  const results = await playSeeds(seeds, { done, untilFailure, interruption })
    .finally(() => bar.clear());
  if (interruption.aborted) throw new Failure('cancelled', 'interrupted before the end');
  return conclude(results, performance.now() - began, shell);
}

/** Prints what failed and the sum; gives the exit code. */
function conclude(results: readonly SeedResult[], wallMs: number, shell: Shell): number {
  const failed = results.filter(({ violations }) => violations.length > 0);
  for (const result of failed) {
    const { seed, violations } = result;
    if (shell.json) shell.object({ seed, violations, replay: replayCommand(seed) });
    else {
      // Of a single seed the options stand above already.
      const options = results.length === 1 ? [] : planText(drawPlan(seed));
      shell.text(...options, ...failureText(result), '');
    }
  }
  const report = reportOf(results, wallMs);
  if (shell.json) shell.object(report);
  else shell.text(...reportText(report));
  if (failed.length === 0) return 0;
  const first = failed[0]!.seed;
  const many = `${failed.length} of ${results.length} seeds failed`;
  shell.complain(`${many}, to see the first: ${replayCommand(first)}`);
  return 1;
}
