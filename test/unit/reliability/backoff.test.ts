import test from 'ava';
import { SeededRandom, type Random } from '../../../core/random.ts';
import { backoffMs } from '../../../reliability/backoff.ts';

const options = { baseMs: 100, factor: 2, maxMs: 1000 };

function drawing(word: number): Random {
  return { u32: () => word };
}

test('each wait doubles up to the longest', (t) => {
  const middle = drawing(0x8000_0000);
  const waits = [0, 1, 2, 3, 4, 5, 50, 5000].map((attempt) => backoffMs(options, attempt, middle));
  t.deepEqual(waits, [100, 200, 400, 800, 1000, 1000, 1000, 1000]);
});

test('jitter is a quarter either way and no more', (t) => {
  t.is(backoffMs(options, 0, drawing(0)), 75);
  t.true(backoffMs(options, 0, drawing(0xffff_ffff)) < 125);
  t.true(backoffMs(options, 9, drawing(0xffff_ffff)) > 1249.99, 'after the bound, not before');
});

test('peers with other generators do not come back together', (t) => {
  const waits = Array.from({ length: 20 }, (_, seed) =>
    backoffMs(options, 3, new SeededRandom(seed)));
  t.is(new Set(waits).size, 20);
});
