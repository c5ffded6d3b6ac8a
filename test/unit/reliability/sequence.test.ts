import test from 'ava';
import { seqDistance, seqPlus, widen } from '../../../reliability/sequence.ts';

const seqBefore = (left: number, right: number): boolean => seqDistance(right, left) < 0;
const MAX = 0xffff_ffff;
const HALF = 0x8000_0000;

test('a number comes before those of the next half circle, across the wrap', (t) => {
  t.true(seqBefore(0, 1));
  t.true(seqBefore(MAX, 0));
  t.true(seqBefore(MAX - 5, 5));
  t.true(seqBefore(0, HALF - 1));
  t.true(seqBefore(HALF + 1, 0));
  t.false(seqBefore(7, 7));
  t.false(seqBefore(1, 0));
  t.false(seqBefore(0, MAX));
});

test('two numbers half the circle apart have no order', (t) => {
  // RFC 1982 §3.2 leaves the comparison undefined: here each is before the other.
  t.is(seqBefore(0, HALF), seqBefore(HALF, 0));
  t.is(seqDistance(0, HALF), -HALF);
  t.is(seqDistance(HALF, 0), -HALF);
});

test('distances go both ways and wrap', (t) => {
  t.is(seqDistance(MAX, 0), 1);
  t.is(seqDistance(0, MAX), -1);
  t.is(seqDistance(5, 5), 0);
  t.is(seqDistance(0, HALF - 1), HALF - 1);
});

test('adding wraps and stays unsigned', (t) => {
  t.is(seqPlus(MAX, 1), 0);
  t.is(seqPlus(HALF - 1, 1), HALF);
  t.is(seqPlus(0, -1), MAX);
  t.is(seqPlus(MAX, 2 ** 32), MAX);
});

test('widening finds the nearest whole number around every multiple of 2^32', (t) => {
  t.is(widen(5, 0), 5);
  t.is(widen(MAX, 0), -1);
  t.is(widen(0, MAX), 2 ** 32);
  t.is(widen(MAX, 2 ** 32), MAX);
  t.is(widen(3, 7 * 2 ** 32 - 3), 7 * 2 ** 32 + 3);
  t.is(widen(3, 2 ** 52), 2 ** 52 + 3);
});
