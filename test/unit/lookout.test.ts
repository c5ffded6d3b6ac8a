import test from 'ava';
import { Lookout } from '../../transport/netlink/lookout.ts';

/** Vain looks until it gives up, each a hundredth of a millisecond after the one before. */
function looks(lookout: Lookout, now: number): number {
  let count = 1;
  while (lookout.missed(now + count / 100)) count += 1;
  return count;
}

test('after a batch the queue is looked at for a fifth of a millisecond', (t) => {
  const lookout = new Lookout();
  t.true(lookout.found(5));
  t.is(looks(lookout, 5), 20);
});

test('each batch found while looking begins the time anew', (t) => {
  const lookout = new Lookout();
  for (let now = 0; now < 2; now += 0.19) {
    t.true(lookout.found(now));
    t.true(lookout.missed(now + 0.18));
  }
});

test('after vain looks ever more batches pass before the next, 63 at most', (t) => {
  const lookout = new Lookout();
  const passed: number[] = [];
  for (let look = 0; look < 9; look++) {
    let batches = 0;
    while (!lookout.found(look)) batches += 1;
    passed.push(batches);
    looks(lookout, look);
  }
  t.deepEqual(passed, [0, 1, 3, 7, 15, 31, 63, 63, 63]);
});

test('who has been looking in vain for long looks again as soon as it was worth it', (t) => {
  const lookout = new Lookout();
  for (let look = 0; look < 9; look++) if (lookout.found(look)) looks(lookout, look);
  while (!lookout.found(10));
  t.true(lookout.found(10.05));
  looks(lookout, 10.05);
  t.true(lookout.found(11), 'what was found makes up for this look');
  looks(lookout, 11);
  t.false(lookout.found(12), 'and for those before');
  t.true(lookout.found(13));
});

test('looks that were worth it for long go on for as long, a millisecond at most', (t) => {
  for (const [fruitful, patience] of [[0.1, 20], [0.5, 50], [0.9, 90], [5, 100]] as const) {
    const lookout = new Lookout();
    let now = 1;
    while (now < 1 + fruitful - 1e-9) {
      t.true(lookout.found(now));
      now += 0.1;
    }
    t.true(lookout.found(now));
    t.true(Math.abs(looks(lookout, now) - patience) <= 1, `${fruitful} ms`); // sums are not exact
  }
});
