import test from 'ava';
import { Field, makeFolder, placeIn, withField } from '../../../bench/macro/field.ts';
import type { Player } from '../../../bench/macro/player.ts';
import { race } from '../../../bench/macro/race.ts';
import { sameLoad } from '../../../bench/macro/races.ts';
import type { Starter } from '../../../bench/macro/starters.ts';
import { Unmeasured } from '../../../bench/scenario.ts';
import { rmSync } from 'node:fs';

const score = {
  done: 10, perSecond: 100, open: 0, p50: 1, p99: 2, p999: 3, cpuUs: 4,
};
const choice = { only: undefined, baseline: undefined };
const pace = { rounds: 3, ms: 1, warmUpMs: 1 };

/** A contestant that fails from its measurement with this number on. */
function starter(name: string, rival: boolean, fails = Infinity, log: string[] = []): Starter {
  let measured = 0;
  const player: Player = {
    name,
    dial: () => Promise.resolve(),
    measure: () => {
      measured += 1;
      return measured < fails ? Promise.resolve(score) : Promise.reject(new Error('worn out'));
    },
    stop: () => void log.push(`${name} stopped`),
  };
  return { name, rival, start: () => Promise.resolve(player) };
}

function broken(name: string): Starter {
  return { name, rival: true, start: () => Promise.reject(new Error('no compiler')) };
}

test('a rival that does not start, or breaks down, says why, and the others go on', async (t) => {
  const log: string[] = [];
  const starters = [starter('ours', false), broken('C'), starter('theirs', true, 4, log)];
  const heatOf = (title: string, players: readonly Player[]) =>
    sameLoad(players, title, { task: 'echo', size: 1, inFlight: 1 });
  const { rows, absent } = await withField(starters, choice, (field) =>
    race(field, [heatOf('a', field.players), heatOf('b', field.players)], pace, () => {}));
  t.deepEqual(rows.map(({ heat, contestant }) => `${heat} ${contestant}`), ['a ours', 'b ours']);
  t.deepEqual(absent, ['C: no compiler', 'theirs, from some point on: worn out']);
  t.deepEqual(log, ['theirs stopped']);
});

test('without ours, or once it breaks down, there is no result', async (t) => {
  const log: string[] = [];
  const others = starter('theirs', true, Infinity, log);
  const work = (field: Field) =>
    field.attempt(field.players[0]!, 1, () =>
      field.players[0]!.measure({ task: 'echo', size: 1, inFlight: 1, ms: 1 }));
  const missing = [broken('ours'), others];
  const nothing = { instanceOf: Unmeasured, message: 'ours: no compiler' };
  await t.throwsAsync(withField(missing, choice, work), nothing);
  await t.throwsAsync(withField([starter('ours', false, 1), others], choice, work), {
    message: 'worn out',
  });
  t.deepEqual(log, ['theirs stopped', 'theirs stopped']);
});

test('contestants of one field are at places of their own', (t) => {
  const folder = makeFolder();
  const places = [0, 1, 2].map((index) => placeIn(folder, index));
  rmSync(folder, { recursive: true });
  t.is(new Set(places.map(({ path }) => path)).size, 3);
  t.is(new Set(places.map(({ port }) => port)).size, 3);
  t.is(new Set(places.map(({ portid }) => portid)).size, 3);
});
