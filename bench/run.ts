/**
 * `npm run bench [-- NAME... [OPTIONS]]`: everything in about ten minutes, or what is named, with
 * more rounds. Compare lines of one run; the machine is noisy.
 *
 *   --against DIR   a second build of the library (its dist), measured in the same rounds
 *   --only PATTERN  of the rivals, those whose names match
 *   --rounds N      how often each load is measured
 *   --ms N          for how long each time
 *   --in-flight N,… and --size N,…: the loads
 *   --link PATTERN  of the lossy links, those whose names match
 *   --count N       sessions, or calls, of those that are weighed
 *   --calls N       of each simulation (400,000)
 *   --objects       says which objects that memory consists of
 *   --minutes N     how long the soak takes
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
import { readOptions } from './options.ts';
import type { Scenario } from './scenario.ts';
import { suite } from './suite.ts';

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

const { names, options } = readOptions();
const known = scenarios.map(({ name }) => name);
const unknown = names.filter((name) => !known.includes(name));
if (unknown.length > 0) {
  console.error(`no such benchmark: ${unknown.join(', ')}; there are ${known.join(', ')}`);
  process.exitCode = 2;
} else {
  const chosen = scenarios.filter(({ name }) => options.brief || names.includes(name));
  const bar = new Bar(chosen);
  let failures = 0;
  for (const scenario of chosen) {
    failures += await scenario.run(options, bar.screen(scenario));
    bar.finish(scenario);
  }
  process.exitCode = failures > 0 ? 1 : 0;
}
