import test from 'ava';
import fc from 'fast-check';
import { Outgoing } from '../../reliability/outgoing.ts';
import { ReplyCache } from '../../reliability/replies.ts';
import { REPLY } from '../../transport/wire/frame.ts';

const COUNT_MAX = 10;
const BYTES_MAX = 1000;

function reply(length: number): Outgoing {
  return new Outgoing(REPLY, 0, 0, new Uint8Array(length), Infinity);
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
  { maxLength: 80 },
);

function kept(reply: Outgoing): [Outgoing, number] {
  return [reply, reply.bytes.length];
}

test('replies stay within count and bytes, the oldest gives way and is told once (P6.4)', (t) => {
  fc.assert(
    fc.property(steps, (history) => {
      const cache = new ReplyCache<Outgoing>(COUNT_MAX, BYTES_MAX);
      const evicted = new Map<Outgoing, number>();
      const released = new Set<Outgoing>();
      let kept: Outgoing[] = [];
      for (const { kind, value } of history) {
        const before = [...kept];
        if (kind === 'keep') {
          const added = reply(value);
          cache.keep(added, added.bytes.length, () => {
            evicted.set(added, (evicted.get(added) ?? 0) + 1);
            kept = kept.filter((other) => other !== added);
          });
          if (!evicted.has(added)) kept.push(added);
          if (evicted.has(added) !== value > BYTES_MAX) throw new Error(`${value} bytes`);
        } else {
          const gone = kept[value % Math.max(1, kept.length)];
          if (gone === undefined) continue;
          kept = kept.filter((other) => other !== gone);
          released.add(gone);
          cache.release(gone);
          cache.release(gone);
        }
        const bytes = kept.reduce((sum, { bytes: own }) => sum + own.length, 0);
        if (bytes > BYTES_MAX || kept.length > COUNT_MAX) throw new Error('bounds');
        if (cache.count !== kept.length) throw new Error(`count ${cache.count}`);
        const gone = before.filter((one) => evicted.has(one));
        if (gone.some((one, index) => one !== before[index])) throw new Error('not the oldest');
      }
      if ([...evicted.values()].some((times) => times !== 1)) throw new Error('told twice');
      if ([...released].some((one) => evicted.has(one))) throw new Error('told after release');
    }),
    { numRuns: 300 },
  );
  t.pass();
});

test('as many small replies are kept as the count allows, and no fewer', (t) => {
  const cache = new ReplyCache<Outgoing>(COUNT_MAX, BYTES_MAX);
  let evictions = 0;
  for (let count = 1; count <= COUNT_MAX; count++) {
    cache.keep(...kept(reply(1)), () => (evictions += 1));
    t.is(cache.count, count);
  }
  t.is(evictions, 0);
  cache.keep(...kept(reply(1)), () => (evictions += 1));
  t.is(cache.count, COUNT_MAX);
  t.is(evictions, 1);
});

test('a reply larger than all bytes allowed is told at once and pushes out nobody', (t) => {
  const cache = new ReplyCache<Outgoing>(COUNT_MAX, BYTES_MAX);
  cache.keep(...kept(reply(10)), () => t.fail('it should stay'));
  let told = 0;
  cache.keep(...kept(reply(BYTES_MAX + 1)), () => (told += 1));
  t.is(told, 1);
  t.is(cache.count, 1);
});
