import test from 'ava';
import fc from 'fast-check';
import { SeenSeqs, type Sighting } from '../../reliability/seen.ts';
import { seqPlus } from '../../reliability/sequence.ts';

/** The same with whole numbers, counted from the first sequence number, and a Set. */
class Model {
  readonly seen = new Set<number>();
  base = 0;

  sighting(count: number, window: number): Sighting {
    if (count < this.base || this.seen.has(count)) return 'duplicate';
    return count - this.base >= window ? 'beyond' : 'new';
  }

  add(count: number): void {
    this.seen.add(count);
    while (this.seen.delete(this.base)) this.base += 1;
  }
}

const firsts = fc.oneof(
  fc.constantFrom(0, 1, 0xffff_ffff, 0xffff_ffc0, 0x7fff_ffff, 0x8000_0000),
  fc.integer({ min: 0, max: 0xffff_ffff }),
);

/** Sequence numbers by their distance from the oldest not seen. */
function aheads(window: number): fc.Arbitrary<number[]> {
  return fc.array(
    fc.oneof(
      { weight: 8, arbitrary: fc.integer({ min: 0, max: 5 }) },
      { weight: 4, arbitrary: fc.integer({ min: 0, max: window + 2 }) },
      { weight: 2, arbitrary: fc.integer({ min: -3 * window, max: -1 }) },
      { weight: 2, arbitrary: fc.constantFrom(63, 64, 65, 127, 128, window - 1, window) },
      { weight: 1, arbitrary: fc.constantFrom(-(2 ** 31), 2 ** 31 - 1, -(2 ** 31) + 1, 2 ** 30) },
    ),
    { maxLength: 300 },
  );
}

for (const window of [64, 128, 1024, 65_536]) {
  test(`what was seen is known, across the wrap, in a window of ${window} (P6.2)`, (t) => {
    fc.assert(
      fc.property(firsts, aheads(window), (first, history) => {
        const real = new SeenSeqs(first, window);
        const model = new Model();
        for (const ahead of history) {
          const count = model.base + ahead;
          const seq = seqPlus(first, count);
          const sighting = real.sighting(seq);
          const expected = model.sighting(count, window);
          if (sighting !== expected) throw new Error(`${count} is ${sighting}, not ${expected}`);
          if (sighting !== 'new') continue;
          real.add(seq);
          model.add(count);
          if (real.base !== seqPlus(first, model.base)) throw new Error(`base ${real.base}`);
          if (real.sighting(seq) !== 'duplicate') throw new Error(`${count} is new again`);
        }
      }),
      { numRuns: 100 },
    );
    t.pass();
  });

  test(`a window of ${window} filled backwards empties in one step`, (t) => {
    const first = 0xffff_ffff - (window >>> 1);
    const seen = new SeenSeqs(first, window);
    for (let count = window - 1; count > 0; count--) {
      const seq = seqPlus(first, count);
      if (seen.sighting(seq) !== 'new') t.fail(`${count} was never seen`);
      seen.add(seq);
    }
    t.is(seen.base, first);
    seen.add(first);
    t.is(seen.base, seqPlus(first, window));
    t.is(seen.sighting(seqPlus(first, window)), 'new');
    t.is(seen.sighting(seqPlus(first, 2 * window - 1)), 'new', 'no bit is left over');
    t.is(seen.sighting(seqPlus(first, 2 * window)), 'beyond');
  });
}

test('a window that is no power of two, or too small, is a mistake of ours', (t) => {
  t.throws(() => new SeenSeqs(0, 63));
  t.throws(() => new SeenSeqs(0, 32));
  t.throws(() => new SeenSeqs(0, 100));
});
