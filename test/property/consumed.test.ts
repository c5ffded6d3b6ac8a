import test from 'ava';
import fc from 'fast-check';
import { ConsumedReplies } from '../../sessions/consumed.ts';

interface Reply {
  readonly peer: number;
  readonly idx: number;
  readonly val: number;
  readonly seq: number;
  readonly ack: number;
}

const few = fc.integer({ min: 0, max: 3 });
const number = fc.oneof(few, fc.integer({ min: 0xffff_fffe, max: 0xffff_ffff }));
/** Replies that differ in one word only are the likely ones. */
const reply: fc.Arbitrary<Reply> = fc.oneof(
  fc.record({ peer: number, idx: few, val: few, seq: number, ack: number }),
  fc.record({ peer: few, idx: fc.constant(1), val: fc.constant(1), seq: few, ack: few }),
);

test('the last replies are known, in every word, and none before them', (t) => {
  const histories = fc.array(reply, { maxLength: 60 });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 9 }), histories, reply, (max, history, other) => {
      const consumed = new ConsumedReplies(max);
      let known: string[] = [];
      for (const added of history) {
        consumed.add(added.peer, added, added);
        const text = JSON.stringify(Object.entries(added));
        if (!known.includes(text)) known = [...known, text].slice(-max);
        for (const asked of [...history, other]) {
          const expected = known.includes(JSON.stringify(Object.entries(asked)));
          if (consumed.has(asked.peer, asked, asked) !== expected) return false;
        }
      }
      return true;
    }),
    { numRuns: 500 },
  );
  t.pass();
});
