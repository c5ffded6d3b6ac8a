import test from 'ava';
import { playSeeds } from '../../cli/simulate/pool.ts';
import { replayCommand } from '../../cli/simulate/result.ts';
import { playSeed } from '../../cli/simulate/story.ts';

const SEEDS = { first: 1, last: 300 };

test(`the swarm: every invariant holds in seeds ${SEEDS.first} to ${SEEDS.last}`, async (t) => {
  t.timeout(300_000);
  const interruption = new AbortController().signal;
  const done = (): void => undefined;
  const results = await playSeeds(SEEDS, { done, untilFailure: false, interruption });
  t.is(results.length, 300);
  for (const { seed, violations } of results) {
    t.deepEqual(violations, [], `seed ${seed}, replayed by: ${replayCommand(seed)}`);
  }
  const calls = results.reduce((sum, result) => sum + result.calls, 0);
  t.true(calls > 30_000, `${calls} calls`);
  const given = results.reduce((sum, { events }) => sum + events.given, 0);
  t.true(given > 5_000, `${given} events were given`);
  for (const fault of Object.keys(results[0]!.faults)) {
    t.true(results.some(({ faults }) => faults[fault]! > 0), `no seed had ${fault}`);
  }
});

test('the same seed gives the same history, line by line', async (t) => {
  for (const seed of [3, 7, 9, 14, 20]) {
    const [first, second]: [string[], string[]] = [[], []];
    const once = await playSeed(seed, (line) => first.push(line));
    const again = await playSeed(seed, (line) => second.push(line));
    t.deepEqual(first, second);
    t.deepEqual(once, again);
    t.true(first.length > 100, `${first.length} lines`);
    for (const line of first) t.true(line.length <= 100, line);
  }
  const [other, another] = [await playSeed(4), await playSeed(5)];
  t.not(other.digest, another.digest);
});
