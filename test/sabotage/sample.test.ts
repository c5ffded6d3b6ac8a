import test from 'ava';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { faults } from './faults.ts';
import { Mutant, sabotage } from './mutant.ts';
import { packageRoot } from '../package-root.ts';

// A few of the faults, the gravest ones, so that no change of the tests goes blind for them unseen.
// `npm run sabotage` tries them all.

const SAMPLE = [
  'a duplicate request is executed',
  'an acknowledgement is off by one',
  'the tag is not checked',
  'a gap in a channel is skipped',
  'no probe is sent',
  'what was sent is called unsent',
];
const LIMIT_MS = 60_000;

test('a few small faults: each is caught by the tests named for it', async (t) => {
  t.timeout(10 * LIMIT_MS);
  const mutant = new Mutant();
  t.teardown(() => mutant.remove());
  const sample = faults.filter(({ name }) => SAMPLE.includes(name));
  t.is(sample.length, SAMPLE.length);
  const checks = [...new Set(sample.flatMap((fault) => fault.checks))];
  t.is((await mutant.run(checks, LIMIT_MS)).caughtBy, undefined, 'without a fault all pass');
  for (const fault of sample) {
    const undo = mutant.apply(fault);
    const { caughtBy } = await mutant.run(fault.checks, LIMIT_MS);
    undo();
    t.truthy(caughtBy, `${fault.file}: ${fault.name}`);
    t.log(`${fault.name}: ${caughtBy}`);
  }
});

test('every fault has a name of its own, and there are more than forty', (t) => {
  const names = faults.map(({ name, file }) => `${file}: ${name}`);
  t.is(new Set(names).size, names.length);
  t.true(names.length >= 40);
});

test('every fault fits the code in one place, so that it can be tried at all', (t) => {
  for (const fault of faults) {
    const code = readFileSync(join(packageRoot, 'dist', fault.file), 'utf8');
    t.notThrows(() => sabotage(code, fault), fault.name);
  }
});
