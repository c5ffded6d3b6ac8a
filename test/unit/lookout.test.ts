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

test('one look that finds something makes up for all that were vain', (t) => {
  const lookout = new Lookout();
  for (let look = 0; look < 9; look++) if (lookout.found(look)) looks(lookout, look);
  while (!lookout.found(10));
  t.true(lookout.found(10.05));
  looks(lookout, 10.05);
  t.false(lookout.found(11));
  t.true(lookout.found(12));
});
