import test from 'ava';
import fc from 'fast-check';
import { Slab } from '../../core/slab.ts';
import { Received, type Arrival } from '../../reliability/received.ts';
import {
  BITMAP_WORDS_MAX,
  DATA_BITMAP,
  TRACKED_DATAGRAMS,
} from '../../transport/wire/frame.ts';

/** The same by the plainest means: the set of all numbers that ever came. */
class Model {
  readonly came = new Set<number>();
  readonly first: number;
  base: number;
  top: number;

  constructor(first: number) {
    this.first = first;
    this.base = first;
    this.top = first;
  }

  arrival(number: number): Arrival {
    if (number >= this.top) return 'new';
    if (number < this.top - TRACKED_DATAGRAMS) return 'stale';
    if (number < this.first || this.came.has(number)) return 'duplicate';
    return number < this.base ? 'late' : 'new';
  }

  accept(number: number, floor: number): void {
    this.came.add(number);
    this.top = Math.max(this.top, number + 1);
    this.base = Math.max(this.base, Math.min(floor, this.top));
    while (this.came.has(this.base)) this.base += 1;
  }
}

function difference(real: Received, model: Model): string | undefined {
  if (real.base !== model.base) return `base ${real.base}, not ${model.base}`;
  if (real.top !== model.top) return `top ${real.top}, not ${model.top}`;
  const slab = new Slab(DATA_BITMAP + 4 * 20 + 3);
  slab.bytes.fill(0xee);
  const words = real.writeBitmap(slab, 3);
  if (words !== Math.ceil((model.top - model.base) / 32)) return `${words} words`;
  if (words > BITMAP_WORDS_MAX) return `${words} words are too many`;
  for (let bit = 0; bit < 32 * words; bit++) {
    const word = slab.view.getUint32(3 + DATA_BITMAP + 4 * (bit >>> 5), true);
    const set = ((word >>> (bit & 31)) & 1) === 1;
    const number = model.base + bit;
    if (set !== model.came.has(number)) return `bit of ${number} is ${set}`;
  }
  const after = slab.bytes.subarray(3 + DATA_BITMAP + 4 * words);
  if (!after.every((byte) => byte === 0xee)) return 'wrote beyond the bitmap';
  return undefined;
}

/** A number by its distance from the top, and how far its sender's floor is behind it. */
const steps = fc.array(
  fc.record({
    ahead: fc.oneof(
      { weight: 6, arbitrary: fc.integer({ min: 0, max: 3 }) },
      { weight: 6, arbitrary: fc.integer({ min: -40, max: -1 }) },
      { weight: 2, arbitrary: fc.integer({ min: -600, max: 600 }) },
      { weight: 2, arbitrary: fc.constantFrom(-513, -512, -511, 31, 32, 33, 510, 511, 512, 513) },
      { weight: 1, arbitrary: fc.integer({ min: 512, max: 5000 }) },
      { weight: 1, arbitrary: fc.constantFrom(-(2 ** 32), 2 ** 30) },
    ),
    behind: fc.oneof(
      fc.integer({ min: 0, max: 8 }),
      fc.integer({ min: 0, max: 511 }),
      fc.constantFrom(0, 31, 32, 480, 511),
    ),
  }),
  { maxLength: 120 },
);

const firsts = fc.oneof(
  fc.constantFrom(0, 1, 31, 511, 512, 2 ** 32 - 100, 2 ** 32, 5 * 2 ** 32 - 1, 2 ** 53 - 2 ** 40),
  fc.integer({ min: 0, max: 2 ** 52 }),
);

test('what came is known exactly, whatever the order, the copies and the jumps (P5.4)', (t) => {
  fc.assert(
    fc.property(firsts, steps, (first, history) => {
      const real = new Received(first);
      const model = new Model(first);
      for (const { ahead, behind } of history) {
        const number = model.top + ahead;
        if (number < 0) continue;
        const arrival = real.arrival(number);
        if (arrival !== model.arrival(number)) {
          throw new Error(`${number} is ${arrival}, not ${model.arrival(number)}`);
        }
        if (arrival === 'duplicate' || arrival === 'stale') continue;
        const floor = Math.max(number - behind, first);
        real.accept(number, floor);
        model.accept(number, floor);
        const wrong = difference(real, model);
        if (wrong !== undefined) throw new Error(`after ${number} with floor ${floor}: ${wrong}`);
        if (real.arrival(number) === 'new') throw new Error(`${number} is forgotten at once`);
      }
    }),
    { numRuns: 400 },
  );
  t.pass();
});

test('nothing is ever taken twice, however long after (P5.3)', (t) => {
  const numbers = fc.array(fc.integer({ min: 0, max: 3000 }), { minLength: 1, maxLength: 400 });
  fc.assert(
    fc.property(firsts, numbers, (first, offsets) => {
      const real = new Received(first);
      const taken = new Set<number>();
      for (const offset of offsets) {
        const number = first + offset;
        const arrival = real.arrival(number);
        if (arrival === 'duplicate' || arrival === 'stale') continue;
        if (taken.has(number)) throw new Error(`${number} is taken again as ${arrival}`);
        taken.add(number);
        real.accept(number, Math.max(first, number - 511));
      }
    }),
    { numRuns: 300 },
  );
  t.pass();
});
