import test from 'ava';
import { setFlagsFromString } from 'node:v8';
import { Kept } from '../../../reliability/kept.ts';

test('what was put is taken in its order, and nothing more', (t) => {
  const kept = new Kept();
  kept.put(0, 1.5, -7);
  kept.put(Infinity, 2 ** 40);
  const again = new Kept(kept.numbers);
  t.deepEqual([1, 2, 3, 4, 5].map(() => again.take()), [0, 1.5, -7, Infinity, 2 ** 40]);
  t.true(again.used);
  t.throws(() => again.take());
});

test('whole numbers stay small integers to V8 among others that are not', (t) => {
  setFlagsFromString('--allow-natives-syntax');
  const isSmi = new Function('value', 'return %IsSmi(value)') as (value: unknown) => boolean;
  const kept = new Kept();
  kept.put(0.5, 7, -1, 2 ** 31, Infinity);
  t.false(isSmi(kept.numbers[1]), 'an array of doubles makes objects of them');
  const again = new Kept(kept.numbers);
  t.deepEqual([1, 2, 3, 4, 5].map(() => isSmi(again.take())), [false, true, true, false, false]);
});
