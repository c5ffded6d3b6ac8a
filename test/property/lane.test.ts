import test from 'ava';
import fc from 'fast-check';
import { Lane } from '../../reliability/lane.ts';

const SPAN = 40;

/** Positions 0 … n-1 in any order; `hole` marks one taken back. */
const arrivals = fc
  .integer({ min: 1, max: SPAN })
  .chain((count) =>
    fc.record({
      order: fc.shuffledSubarray([...Array(count).keys()], { minLength: count }),
      holes: fc.uniqueArray(fc.nat(count - 1)),
      /** Before which arrivals the current thing is finished, and how often somebody asks. */
      finishes: fc.array(fc.boolean(), { minLength: count, maxLength: count }),
    }));

test('things leave in order of position, one at a time, and holes hold up nobody (P7.1)', (t) => {
  fc.assert(
    fc.property(arrivals, ({ order, holes, finishes }) => {
      const lane = new Lane<{ position: number }>(0, SPAN);
      let blanks = 0;
      const left: number[] = [];
      let current: { position: number } | undefined;
      const work = (finish: boolean): void => {
        if (finish && current !== undefined) {
          lane.finish(current);
          current = undefined;
        }
        const next = lane.take();
        if (next === undefined) return;
        if (current !== undefined) throw new Error('two at a time');
        current = next;
        left.push(next.position);
      };
      const come = new Set<number>();
      order.forEach((position, index) => {
        const before = [...Array(position).keys()].every((earlier) => come.has(earlier));
        const placement = lane.placement(position);
        if (placement !== (before ? 'ready' : 'held')) throw new Error(`${position}: ${placement}`);
        blanks += lane.put(position, holes.includes(position) ? undefined : { position });
        come.add(position);
        const ready = [...Array(come.size).keys()].findIndex((earlier) => !come.has(earlier));
        const held = ready < 0 ? 0 : come.size - ready;
        const behind = holes.filter((hole) => come.has(hole) && hole > ready && ready >= 0).length;
        if (blanks !== behind) throw new Error(`${blanks} held, not ${behind}`);
        if (lane.placement(position) !== 'duplicate') throw new Error('placed twice');
        work(finishes[index]!);
        const things = [...Array(come.size - held).keys()].filter((one) => !holes.includes(one));
        if (current === undefined && left.length < things.length) throw new Error('held up');
      });
      for (let rest = 0; rest <= order.length; rest++) work(true);
      const expected = [...come].sort((one, other) => one - other);
      const things = expected.filter((position) => !holes.includes(position));
      if (left.join() !== things.join()) throw new Error(`${left.join()}, not ${things.join()}`);
      return lane.idle;
    }),
    { numRuns: 500 },
  );
  t.pass();
});

test('a lane is busy with whatever is held, ready or worked on', (t) => {
  const lane = new Lane<string>(0, 4);
  t.true(lane.idle);
  lane.put(1, 'second');
  t.false(lane.idle, 'held');
  lane.put(0, 'first');
  t.is(lane.take(), 'first');
  t.false(lane.idle, 'one at work, one ready');
  lane.finish('first');
  t.is(lane.take(), 'second');
  t.false(lane.idle, 'at work');
  lane.finish('second');
  t.true(lane.idle);
});

test('finishing what was never taken frees nothing', (t) => {
  const lane = new Lane<string>(0, 4);
  lane.put(0, 'first');
  lane.put(1, 'second');
  t.is(lane.take(), 'first');
  lane.finish('second');
  t.is(lane.take(), undefined);
});

test('a position outside of the span is refused, across the wrap as well', (t) => {
  const lane = new Lane<number>(0, 3);
  t.deepEqual([0, 2, 3, 4].map((at) => lane.placement(at)), ['ready', 'held', 'beyond', 'beyond']);
  t.is(lane.placement(0xffff_ffff), 'duplicate');
  t.is(lane.placement(0x7fff_ffff), 'beyond');
});

test('closing the gaps releases what is held in order, and what was taken back is gone', (t) => {
  const lane = new Lane<string>(7, 10);
  t.deepEqual([lane.put(10, 'third'), lane.put(9, undefined), lane.put(8, 'first')], [0, 1, 0]);
  t.is(lane.closeGaps(), -1);
  t.is(lane.take(), 'first');
  lane.finish('first');
  t.is(lane.take(), 'third');
  lane.finish('third');
  t.true(lane.idle);
  t.is(lane.next, 7, 'the gap is still one');
});
