import test from 'ava';
import fc from 'fast-check';
import { Wheel, type Expiring } from '../../reliability/wheel.ts';

interface Entry extends Expiring {
  readonly deadline: number;
  readonly addedAt: number;
}

function entry(deadline: number, addedAt: number): Entry {
  return { deadline, addedAt, earlier: undefined, later: undefined, slot: -1 };
}

type Step =
  | { readonly kind: 'add' | 'advance'; readonly ms: number }
  | { readonly kind: 'remove'; readonly pick: number };

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({
        kind: fc.constant('add' as const),
        ms: fc.oneof(
          fc.double({ min: -5, max: 20, noNaN: true }),
          fc.integer({ min: 0, max: 3000 }),
          fc.double({ min: 0, max: 100_000, noNaN: true }),
          fc.constantFrom(0, 1, 1023, 1024, 1025, Infinity),
        ),
      }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('remove' as const), pick: fc.nat() }) },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constant('advance' as const),
        ms: fc.oneof(
          fc.double({ min: 0, max: 3, noNaN: true }),
          fc.integer({ min: 0, max: 1500 }),
          fc.constantFrom(0, 1, 1023, 1024, 1025, 50_000),
        ),
      }),
    },
  ),
  { maxLength: 100 },
);

/** The latest time at which an entry may still be in the wheel: one tick after it is due. */
function latest({ deadline, addedAt }: Entry): number {
  return Math.max(deadline, addedAt) + 1;
}

test('deadlines expire never early and at most a tick late, as in a sorted list', (t) => {
  fc.assert(
    fc.property(fc.double({ min: 1, max: 1e9, noNaN: true }), steps, (start, history) => {
      const wheel = new Wheel<Entry>();
      const live = new Set<Entry>();
      let now = start;
      for (const step of history) {
        if (step.kind === 'add') {
          const added = entry(now + step.ms, now);
          wheel.add(added);
          if (added.deadline !== Infinity) live.add(added);
        } else if (step.kind === 'remove') {
          const removed = [...live][step.pick % Math.max(1, live.size)];
          if (removed === undefined) continue;
          wheel.remove(removed);
          wheel.remove(removed); // a second time changes nothing
          live.delete(removed);
        } else {
          now += step.ms;
          wheel.expire(now, (expired) => {
            if (!live.delete(expired)) throw new Error('expired twice, or after removal');
            if (expired.deadline > now) throw new Error(`${expired.deadline} expired at ${now}`);
          });
          for (const left of live) {
            if (now >= latest(left)) throw new Error(`${left.deadline} is left at ${now}`);
          }
        }
        if ((wheel.nextAt === Infinity) !== (live.size === 0)) throw new Error('nextAt');
        for (const left of live) {
          if (wheel.nextAt > latest(left)) throw new Error(`${wheel.nextAt} is too late`);
        }
      }
    }),
    { numRuns: 400 },
  );
  t.pass();
});

test('whoever sleeps until nextAt misses nothing and seldom wakes for nothing', (t) => {
  const deadlines = fc.array(fc.double({ min: 0, max: 20_000, noNaN: true }), { maxLength: 20 });
  fc.assert(
    fc.property(deadlines, (offsets) => {
      const wheel = new Wheel<Entry>();
      for (const offset of offsets) wheel.add(entry(100 + offset, 100));
      const left = new Set(offsets.map((offset) => 100 + offset));
      let wakes = 0;
      for (; wheel.nextAt !== Infinity; wakes++) {
        const now = wheel.nextAt;
        wheel.expire(now, ({ deadline }) => {
          left.delete(deadline);
          if (deadline > now || deadline <= now - 1) throw new Error(`${deadline} at ${now}`);
        });
      }
      // Each entry shows up once a turn of 1,024 ms in the scan, besides when it is due.
      const turns = offsets.reduce((sum, offset) => sum + Math.ceil(offset / 1024) + 1, 0);
      return left.size === 0 && wakes <= turns + 1;
    }),
  );
  t.pass();
});
