import test from 'ava';
import fc from 'fast-check';
import { seqDistance, seqPlus, widen } from '../../reliability/sequence.ts';

const seqBefore = (left: number, right: number): boolean => seqDistance(right, left) < 0;
const MODULUS = 1n << 32n;
const u32 = fc.oneof(
  fc.integer({ min: 0, max: 0xffff_ffff }),
  fc.constantFrom(0, 1, 0x7fff_ffff, 0x8000_0000, 0x8000_0001, 0xffff_fffe, 0xffff_ffff),
);

test('adding a step is addition modulo 2^32', (t) => {
  fc.assert(
    fc.property(u32, fc.integer({ min: -(2 ** 40), max: 2 ** 40 }), (seq, steps) => {
      const expected = (((BigInt(seq) + BigInt(steps)) % MODULUS) + MODULUS) % MODULUS;
      return BigInt(seqPlus(seq, steps)) === expected;
    }),
  );
  t.pass();
});

test('a distance undoes the addition that made it, and its sign is the order', (t) => {
  const step = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
  fc.assert(
    fc.property(u32, step, (seq, steps) => {
      const other = seqPlus(seq, steps);
      return seqDistance(seq, other) === steps && seqBefore(other, seq) === steps < 0;
    }),
  );
  t.pass();
});

test('order is antisymmetric unless the numbers are half the circle apart', (t) => {
  fc.assert(
    fc.property(u32, u32, (left, right) => {
      if (left === right || seqDistance(left, right) === -(2 ** 31)) return true;
      return seqBefore(left, right) !== seqBefore(right, left);
    }),
  );
  t.pass();
});

/** The whole number nearest to `near` that is `low` modulo 2^32, found with BigInt. */
function nearest(low: number, near: number): bigint {
  const block = (BigInt(near) / MODULUS) * MODULUS;
  const candidates = [-1n, 0n, 1n].map((blocks) => block + blocks * MODULUS + BigInt(low));
  const distance = (candidate: bigint): bigint => {
    const apart = candidate - BigInt(near);
    return apart < 0n ? -apart : apart;
  };
  return candidates.reduce((best, next) => (distance(next) < distance(best) ? next : best));
}

test('widening finds the nearest whole number that has these low 32 bits', (t) => {
  const near = fc.oneof(
    fc.integer({ min: 0, max: 2 ** 53 - 2 ** 33 }),
    fc.tuple(fc.integer({ min: 0, max: 2 ** 20 }), fc.integer({ min: -5, max: 5 }))
      .map(([block, offset]) => Math.max(0, block * 2 ** 32 + offset)),
  );
  fc.assert(
    fc.property(u32, near, (low, around) => {
      if (seqDistance(around >>> 0, low) === -(2 ** 31)) return true; // two are as near
      return BigInt(widen(low, around)) === nearest(low, around);
    }),
    { numRuns: 1000 },
  );
  t.pass();
});

test('widening gives back every number within half a circle of the reference', (t) => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 2 ** 52 }),
      fc.integer({ min: -(2 ** 31) + 1, max: 2 ** 31 - 1 }),
      (near, apart) => {
        const whole = near + apart;
        return whole < 0 || widen(whole % 2 ** 32, near) === whole;
      },
    ),
    { numRuns: 1000 },
  );
  t.pass();
});
