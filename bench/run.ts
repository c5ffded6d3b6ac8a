/**
 * `npm run bench [-- [NAME...] [OPTIONS]]`: everything in about ten minutes, with fewer rounds and
 * half a minute of the soak, or what is named. Compare lines of one run; the machine is noisy.
 * `npm run bench -- --help` tells the options.
 */
import { Bar } from './bar.ts';
import { clients } from './macro/clients.ts';
import { echo } from './macro/echo.ts';
import { inFlight } from './macro/in-flight.ts';
import { kernel } from './macro/kernel.ts';
import { loss } from './macro/loss.ts';
import { oneWay } from './macro/one-way.ts';
import { sessions } from './macro/sessions.ts';
import { soak } from './macro/soak.ts';
import { startUp } from './macro/start-up.ts';
import { stream } from './macro/stream.ts';
import { reliability } from './micro/reliability.ts';
import { wire } from './micro/wire.ts';
import { pressureScenario } from './pressure/scenario.ts';
import { simulatorScenario } from './simulator/scenario.ts';
import { help, readOptions, type Options } from './options.ts';
import { Unmeasured, type Scenario, type Screen } from './scenario.ts';
import { suite } from './suite.ts';
import { Misuse } from '../cli/misuse.ts';
import { asksFor } from '../cli/options.ts';

const scenarios: readonly Scenario[] = [
  suite('wire', wire),
  suite('reliability', reliability),
  echo,
  oneWay,
  stream,
  clients,
  sessions,
  inFlight,
  startUp,
  kernel,
  loss,
  pressureScenario,
  simulatorScenario,
  soak,
];

const known = scenarios.map(({ name }) => name);
const args = process.argv.slice(2);
process.exitCode = asksFor('help', args) ? showHelp() : await run();

function showHelp(): number {
  console.log(help(known).join('\n'));
  return 0;
}

/** Gives the exit code. What cannot be measured says so, and the others go on. */
async function run(): Promise<number> {
  try {
    const { names, options } = readOptions(args, known);
    const chosen = scenarios.filter(({ name }) => names.includes(name));
    const bar = new Bar(chosen);
    let failures = 0;
    for (const scenario of chosen) {
      failures += await attempt(scenario, options, bar.screen(scenario));
      bar.finish(scenario);
    }
    return failures > 0 ? 1 : 0;
  } catch (error) {
    if (!(error instanceof Misuse)) throw error;
    console.error(`bench: ${error.message} (see npm run bench -- --help)`);
    return 2;
  }
}

/** Gives the number of failures: a scenario that has no result is one. */
async function attempt(scenario: Scenario, options: Options, screen: Screen): Promise<number> {
  try {
    return await scenario.run(options, screen);
  } catch (error) {
    const why = error instanceof Unmeasured ? error.message : (error as Error).stack;
    screen.print(`${scenario.name}: not measured: ${why}\n`);
    return 1;
  }
}
