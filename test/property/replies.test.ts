import test from 'ava';
import fc from 'fast-check';
import { ReplyCache, type Keepable } from '../../reliability/replies.ts';

/** With few replies none is young; with many a part of them is. */
const BOUNDS = [
  { countMax: 10, bytesMax: 1000 },
  { countMax: 400, bytesMax: 40_000 },
];

class Reply implements Keepable {
  keeping: Keepable['keeping'] = 'no';
  charge = 0;
  readonly length: number;
  aged = 0;
  evictions = 0;
  released = false;

  constructor(length: number) {
    this.length = length;
  }

  age(): void {
    this.aged += 1;
  }

  evict(): void {
    this.evictions += 1;
  }
}

const steps = fc.array(
  fc.oneof(
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constant('keep' as const),
        value: fc.oneof(fc.nat(60), fc.nat(400), fc.constantFrom(0, 100, 101, 1000, 1001, 5000)),
      }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('release' as const), value: fc.nat() }) },
  ),
  { maxLength: 120 },
);

test('replies stay within count and bytes, the oldest gives way and is told once (P6.4)', (t) => {
  fc.assert(
    fc.property(fc.constantFrom(...BOUNDS), fc.nat(4), steps, (bounds, often, history) => {
      const cache = new ReplyCache<Reply>(bounds.countMax, bounds.bytesMax);
      const all: Reply[] = [];
      let kept: Reply[] = [];
      for (const { kind, value } of [...Array(often + 1).keys()].flatMap(() => history)) {
        const before = kept;
        if (kind === 'keep') {
          const added = new Reply(value);
          all.push(added);
          cache.keep(added, value);
          kept = [...kept, added].filter(({ evictions }) => evictions === 0);
          const tooLarge = value > bounds.bytesMax * (bounds.countMax < 64 ? 1 : 63 / 64);
          if ((added.evictions > 0) !== tooLarge) throw new Error(`${value} bytes`);
        } else {
          const gone = kept[value % Math.max(1, kept.length)];
          if (gone === undefined) continue;
          kept = kept.filter((other) => other !== gone);
          gone.released = true;
          cache.release(gone);
          cache.release(gone);
        }
        const bytes = kept.reduce((sum, { length }) => sum + length, 0);
        if (bytes > bounds.bytesMax || kept.length > bounds.countMax) throw new Error('bounds');
        if (cache.count !== kept.length) throw new Error(`count ${cache.count}`);
        inOrder(before);
      }
      if (all.some(({ evictions }) => evictions > 1)) throw new Error('told twice');
      if (all.some(({ aged }) => aged > 1)) throw new Error('aged twice');
      const told = all.filter(({ released, evictions }) => released && evictions > 0);
      if (told.length > 0) throw new Error('told after release');
    }),
    { numRuns: 300 },
  );
  t.pass();
});

/** Those of an age that gave way must be the first. */
function inOrder(before: readonly Reply[]): void {
  const direct = before.filter(({ length }) => length <= 625);
  const gone = direct.filter(({ evictions }) => evictions > 0);
  if (gone.some((one, index) => one !== direct[index])) throw new Error('not the oldest');
}

test('as many small replies are kept as the count allows, and no fewer', (t) => {
  const cache = new ReplyCache<Reply>(10, 1000);
  const replies = Array.from({ length: 11 }, () => new Reply(1));
  for (const [index, reply] of replies.slice(0, 10).entries()) {
    cache.keep(reply, 1);
    t.is(cache.count, index + 1);
  }
  t.true(replies.every(({ evictions }) => evictions === 0));
  cache.keep(replies[10]!, 1);
  t.is(cache.count, 10);
  t.is(replies[0]!.evictions, 1);
});

test('a reply larger than all bytes allowed is told at once and pushes out nobody', (t) => {
  const cache = new ReplyCache<Reply>(10, 1000);
  const small = new Reply(10);
  cache.keep(small, 10);
  const large = new Reply(1001);
  cache.keep(large, 1001);
  t.is(large.evictions, 1);
  t.is(small.evictions, 0);
  t.is(cache.count, 1);
});

test('a reply that grows old is told, moves on, and is still released or evicted', (t) => {
  const cache = new ReplyCache<Reply>(640, 640_000);
  const replies = Array.from({ length: 30 }, () => new Reply(10));
  for (const reply of replies) cache.keep(reply, 10);
  t.deepEqual([...new Set(replies.map(({ keeping }) => keeping))], ['old', 'young']);
  t.is(replies.filter(({ keeping }) => keeping === 'young').length, 10);
  t.true(replies.every(({ keeping, aged }) => aged === (keeping === 'old' ? 1 : 0)));
  for (const reply of replies) cache.release(reply);
  t.is(cache.count, 0);
  for (let count = 0; count < 700; count++) cache.keep(new Reply(10), 10);
  t.true(replies.every(({ evictions }) => evictions === 0));
  t.true(cache.count <= 640 && cache.count >= 630);
});

test('one young reply does not keep all those after it, released long ago, in memory', (t) => {
  const cache = new ReplyCache<Reply>(640, 1_000_000);
  const first = new Reply(10);
  cache.keep(first, 10);
  for (let count = 0; count < 10; count++) {
    const next = new Reply(10);
    cache.keep(next, 10);
    cache.release(next);
  }
  t.is(first.keeping, 'old');
  t.is(cache.count, 1);
});
