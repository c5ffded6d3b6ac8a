import test from 'ava';
import { Vigil, type Sleeper } from '../../../sessions/vigil.ts';

const EVERY = 10;

/** Somebody who sleeps when told so, and notes when it was asked. */
class Guest implements Sleeper {
  tired = false;
  readonly asked: number[] = [];

  sleep(now: number): boolean {
    this.asked.push(now);
    return this.tired;
  }
}

/** Lets time pass from timeout to timeout, up to `end`; gives how many there were. */
function pass(vigil: Vigil<Guest>, now: number, end: number): number {
  let count = 0;
  for (let at = vigil.pollTimeout(now); at <= end; at = vigil.pollTimeout(at)) {
    vigil.handleTimeout(at);
    count += 1;
  }
  return count;
}

test('who is awake is looked at every so often, for the first time after so long', (t) => {
  const vigil = new Vigil<Guest>(EVERY);
  const [early, late] = [new Guest(), new Guest()];
  t.is(vigil.pollTimeout(0), Infinity, 'nobody is awake');
  vigil.note(early);
  t.is(vigil.pollTimeout(0), EVERY);
  vigil.note(late); // at 5, say: it is not looked at at 10
  pass(vigil, 5, 4 * EVERY);
  for (const { asked } of [early, late]) t.deepEqual(asked, [2 * EVERY, 3 * EVERY, 4 * EVERY]);
  t.is(vigil.size, 2);
});

test('who sleeps is not looked at any more, and when all sleep no timer is left', (t) => {
  const vigil = new Vigil<Guest>(EVERY);
  const [tired, busy, gone] = [new Guest(), new Guest(), new Guest()];
  for (const guest of [tired, busy, gone]) vigil.note(guest);
  tired.tired = true;
  vigil.pollTimeout(0);
  vigil.forget(gone);
  pass(vigil, 0, 3 * EVERY);
  t.deepEqual([tired.asked.length, busy.asked.length, gone.asked.length], [1, 2, 0]);
  t.is(vigil.size, 1);
  busy.tired = true;
  pass(vigil, 3 * EVERY, 5 * EVERY);
  t.deepEqual([vigil.size, vigil.pollTimeout(5 * EVERY)], [0, Infinity]);
});

test('a hundred thousand are looked at in many turns, each of them once', (t) => {
  const vigil = new Vigil<Guest>(EVERY);
  const guests = Array.from({ length: 100_000 }, () => new Guest());
  for (const guest of guests) vigil.note(guest);
  t.is(pass(vigil, 0, EVERY), 1);
  let turns = 0;
  for (; vigil.pollTimeout(2 * EVERY) === 2 * EVERY; turns++) {
    const before = guests.filter(({ asked }) => asked.length > 0).length;
    vigil.handleTimeout(2 * EVERY);
    if (turns > 2 && turns < 1_560) continue; // counting takes longer than looking
    const after = guests.filter(({ asked }) => asked.length > 0).length;
    t.true(after - before <= 64, `${after - before} in one turn`);
  }
  t.true(turns > 1_500);
  t.true(guests.every(({ asked }) => asked.length === 1));
});
