import test from 'ava';
import fc from 'fast-check';
import { seqPlus } from '../../reliability/sequence.ts';
import { SeqTable } from '../../reliability/table.ts';

interface Entry {
  readonly seq: number;
}

const steps = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('add'), pick: fc.nat() }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('delete'), pick: fc.nat() }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('delete absent'), pick: fc.nat() }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('many'), pick: fc.nat(60) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('burst'), pick: fc.nat(12) }) },
  ),
  { maxLength: 150 },
);

function check(real: SeqTable<Entry>, model: Map<number, Entry>): void {
  if (real.size !== model.size) throw new Error(`size ${real.size}, not ${model.size}`);
  const values = new Set(real.values());
  if (values.size !== model.size) throw new Error('values() has too few or a doubled entry');
  for (const [seq, entry] of model) {
    if (real.get(seq) !== entry || !values.has(entry)) throw new Error(`${seq} is not found`);
    for (const other of [seqPlus(seq, 8), seqPlus(seq, -8), seqPlus(seq, 256)]) {
      if (real.get(other) !== model.get(other)) throw new Error(`${other} is confused with ${seq}`);
    }
  }
}

test('a table holds what a Map holds, however long an entry stays and across the wrap', (t) => {
  const firsts = fc.constantFrom(0, 0xffff_ffff, 0xffff_ffe0, 0x7fff_fff0);
  fc.assert(
    fc.property(firsts, steps, (first, history) => {
      const real = new SeqTable<Entry>();
      const model = new Map<number, Entry>();
      let next: number = first;
      const add = (): void => {
        const entry = { seq: next };
        next = seqPlus(next, 1);
        real.add(entry);
        model.set(entry.seq, entry);
      };
      for (const { kind, pick } of history) {
        const live = [...model.keys()];
        if (kind === 'add') add();
        if (kind === 'delete' && live.length > 0) {
          const seq = live[pick % live.length]!;
          model.delete(seq);
          if (!real.delete(seq)) throw new Error(`${seq} is not deleted`);
        }
        if (kind === 'delete absent' && real.delete(seqPlus(next, pick % 99))) {
          throw new Error('an absent entry is deleted');
        }
        // Many short-lived ones pass by those that stay.
        if (kind === 'many') for (let count = 0; count < pick; count++) {
          add();
          const seq = seqPlus(next, -1);
          model.delete(seq);
          real.delete(seq);
        }
        if (kind === 'burst') for (let count = 0; count < pick; count++) add();
        check(real, model);
      }
    }),
    { numRuns: 200 },
  );
  t.pass();
});

test('one entry that outlives a hundred thousand others is still found, and then deleted', (t) => {
  const table = new SeqTable<Entry>();
  const slow = { seq: 0xffff_0000 };
  table.add(slow);
  for (let count = 1; count <= 100_000; count++) {
    const seq = seqPlus(slow.seq, count);
    table.add({ seq });
    if (count > 3) table.delete(seqPlus(seq, -3));
  }
  t.is(table.size, 4);
  t.is(table.get(slow.seq), slow);
  t.true(table.delete(slow.seq));
  t.is(table.get(slow.seq), undefined);
  t.false(table.delete(slow.seq));
});
