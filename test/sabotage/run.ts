import type { Fault } from './fault.ts';
import { faults } from './faults.ts';
import { existing, Mutant } from './mutant.ts';

// The test of the tests: puts one small fault after the other into a copy of the compiled code, and
// shows which test notices. Arguments: parts of the names of the faults to try; none: all.
//   npm run sabotage [-- PART ...]

/** Mutants that are tried side by side. */
const WORKERS = 2;
/**
 * For what those named first did not notice: the tests of the protocol. The golden table is left
 * out: it takes longer than all of them.
 */
const ALL = [
  'simulation/!(golden)', 'property/*', 'unit/{reliability,sessions,wire}/**/*', 'vectors',
];
/** The time limit is so many times what the tests take without a fault, and so many ms. */
const PATIENCE = 3;
const PATIENCE_MS = 10_000;

/** Takes a fault; gives the line to print, and whether it was caught. */
async function attempt(
  mutant: Mutant,
  fault: Fault,
  limitMs: number,
): Promise<{ readonly caught: boolean; readonly line: string }> {
  const where = `${fault.file}: ${fault.name}`;
  let undo: () => void;
  try {
    undo = mutant.apply(fault);
  } catch (error) {
    return { caught: false, line: `DOES NOT FIT ${(error as Error).message}` };
  }
  try {
    let caughtBy: string | undefined;
    for (const checks of [existing(fault.checks), ALL]) {
      if (caughtBy !== undefined || checks.length === 0) continue;
      ({ caughtBy } = await mutant.run(checks, limitMs));
      if (caughtBy !== 'time') continue;
      // A busy machine is no proof: without the fault the same has to end in half of the time.
      undo();
      const sound = await mutant.run(checks, limitMs / 2);
      if (sound.caughtBy === 'time') return await attempt(mutant, fault, 2 * limitMs);
    }
    if (caughtBy === undefined) return { caught: false, line: `SURVIVED ${where}` };
    return { caught: true, line: `caught   ${where}\n           by ${caughtBy}` };
  } finally {
    undo();
  }
}

/** What the tests take without a fault; throws if they fail. */
async function measure(): Promise<number> {
  const mutant = new Mutant();
  try {
    const { caughtBy, tookMs } = await mutant.run(ALL, 600_000);
    if (caughtBy !== undefined) throw new Error(`without any fault: ${caughtBy}`);
    return tookMs;
  } finally {
    mutant.remove();
  }
}

async function main(parts: readonly string[]): Promise<number> {
  const chosen = faults.filter(({ name, file }) =>
    parts.length === 0 || parts.some((part) => `${file}: ${name}`.includes(part)));
  const limitMs = PATIENCE * (await measure()) + PATIENCE_MS;
  const left = [...chosen];
  let caught = 0;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
  const work = async (): Promise<void> => {
    const mutant = new Mutant();
    try {
      for (let fault = left.shift(); fault !== undefined; fault = left.shift()) {
        const result = await attempt(mutant, fault, limitMs);
        if (result.caught) caught += 1;
        process.stdout.write(`${result.line}\n`);
      }
    } finally {
      mutant.remove();
    }
  };
  await Promise.all(Array.from({ length: WORKERS }, work));
  process.stdout.write(`${caught} of ${chosen.length} faults caught\n`);
  return caught === chosen.length ? 0 : 1;
}

process.exitCode = await main(process.argv.slice(2));
