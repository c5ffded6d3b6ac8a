import test from 'ava';
import { SeededRandom } from '../../core/random.ts';

const DRAWS = 100_000;

// From a second implementation of splitmix32 and xoshiro128** (in Python).
const GOLDEN_ONE = [
  0x177119d4, 0x81962de5, 0xe3609ab3, 0x7cbcc17a, 0x6f2c548e, 0x81e3835f,
];
const GOLDEN_LAST = [
  0xf4a11677, 0x6cd45b57, 0x44ad51ec, 0x90b14815, 0xdba6db56, 0x244fe47a,
];
const GOLDEN_FORK = [
  0x80d6eb53, 0xc40eb8c2, 0x94e6d4ad, 0x0da1e0ee, 0x87686aac, 0x3a3f010c,
];

function words(random: SeededRandom, count: number): number[] {
  return Array.from({ length: count }, () => random.u32());
}

test('the sequence of a seed never changes', (t) => {
  // Every seed that somebody noted down with a failure depends on these words.
  t.deepEqual(words(new SeededRandom(1), 6), GOLDEN_ONE);
  t.deepEqual(words(new SeededRandom(0xffff_ffff), 6), GOLDEN_LAST);
  t.deepEqual(words(new SeededRandom(1).fork('link 1 2'), 6), GOLDEN_FORK);
});

test('a seed is taken modulo 2^32', (t) => {
  t.deepEqual(words(new SeededRandom(-1), 4), words(new SeededRandom(0xffff_ffff), 4));
});

test('words and fractions stay in their range and are evenly spread', (t) => {
  const random = new SeededRandom(7);
  const buckets = new Array<number>(16).fill(0);
  for (let draw = 0; draw < DRAWS; draw++) {
    const fraction = random.fraction();
    if (fraction < 0 || fraction >= 1) t.fail(`fraction ${fraction}`);
    const bucket = Math.floor(fraction * 16);
    buckets[bucket] = (buckets[bucket] ?? 0) + 1;
  }
  // Chi-squared with 15 degrees of freedom: above 37.7 once in a thousand, and the seed is fixed.
  const expected = DRAWS / 16;
  const chi = buckets.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
  t.true(chi < 37.7, `chi squared ${chi}`);
});

test('integer gives both ends and nothing beyond', (t) => {
  const random = new SeededRandom(7);
  const seen = new Set<number>();
  for (let draw = 0; draw < 1000; draw++) seen.add(random.integer(-1, 2));
  t.deepEqual([...seen].sort(), [-1, 0, 1, 2]);
  t.is(random.integer(5, 5), 5);
});

test('range stays inside, and a range of nothing is its end', (t) => {
  const random = new SeededRandom(7);
  for (let draw = 0; draw < 1000; draw++) {
    const value = random.range(2, 3);
    if (value < 2 || value >= 3) t.fail(`range gave ${value}`);
  }
  t.is(random.range(4, 4), 4);
});

test('chance is never at 0, always at 1, and draws a word in any case', (t) => {
  const random = new SeededRandom(7);
  const twin = new SeededRandom(7);
  let hits = 0;
  for (let draw = 0; draw < DRAWS; draw++) {
    if (random.chance(0) || !random.chance(1)) t.fail('chance of 0 or 1');
    if (random.chance(0.3)) hits += 1;
  }
  // Standard deviation 0.0015 of the share; five of them.
  t.true(Math.abs(hits / DRAWS - 0.3) < 0.0075, `share ${hits / DRAWS}`);
  for (let draw = 0; draw < DRAWS * 3; draw++) twin.u32();
  t.is(random.u32(), twin.u32());
});

test('a fork depends on the label, and does not disturb its parent', (t) => {
  const random = new SeededRandom(7);
  const first = words(random.fork('a'), 4);
  t.deepEqual(words(random.fork('a'), 4), first);
  t.notDeepEqual(words(random.fork('b'), 4), first);
  t.notDeepEqual(words(new SeededRandom(8).fork('a'), 4), first);
  t.deepEqual(words(random, 4), words(new SeededRandom(7), 4));
});

test('forks with neighbouring labels have nothing in common', (t) => {
  const random = new SeededRandom(7);
  let equal = 0;
  let sum = 0;
  const count = 2000;
  for (let index = 0; index < count; index++) {
    const left = random.fork(`node ${index}`).fraction();
    const right = random.fork(`node ${index + 1}`).fraction();
    sum += left;
    if (Math.floor(left * 16) === Math.floor(right * 16)) equal += 1;
  }
  t.true(Math.abs(sum / count - 0.5) < 0.033, `mean ${sum / count}`); // five standard deviations
  t.true(Math.abs(equal / count - 1 / 16) < 0.027, `equal ${equal / count}`);
});
