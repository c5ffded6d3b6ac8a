import test from 'ava';
import fc from 'fast-check';
import { Agenda, type Scheduled } from '../../sessions/agenda.ts';

interface Item extends Scheduled {
  /** When it wants to be looked at, by the model; Infinity: never. */
  wants: number;
}

const ITEMS = 6;

const steps = fc.array(
  fc.record({
    item: fc.nat(ITEMS - 1),
    /** From now on. */
    wait: fc.oneof(fc.integer({ min: 0, max: 40 }), fc.constant(Infinity)),
    elapsed: fc.integer({ min: 0, max: 12 }),
  }),
  { maxLength: 120 },
);

test('an item is looked at no later than it wants, whatever else it wanted before', (t) => {
  fc.assert(
    fc.property(steps, (history) => {
      const agenda = new Agenda<Item>();
      const items: Item[] = Array.from({ length: ITEMS }, () => {
        return { wakesAt: Infinity, wants: Infinity };
      });
      let now = 1;
      let looks = 0;
      let files = 0;
      const look = (): void => {
        for (let due = agenda.due(now); due !== undefined; due = agenda.due(now)) {
          looks += 1;
          if (due.wakesAt !== Infinity) throw new Error('still filed');
          if (due.wants <= now) due.wants = Infinity;
          agenda.file(due, due.wants); // as the driver does after each look
        }
      };
      for (const { item, wait, elapsed } of history) {
        items[item]!.wants = now + wait;
        agenda.file(items[item]!, now + wait);
        files += 1;
        const earliest = Math.min(...items.map(({ wants }) => wants));
        if (agenda.size > 2 * ITEMS + 65) throw new Error(`${agenda.size} entries`);
        if (agenda.nextAt > earliest) throw new Error(`${agenda.nextAt} is after ${earliest}`);
        now += elapsed;
        look();
        if (items.some(({ wants }) => wants <= now)) throw new Error('overlooked');
      }
      now = 1e6;
      look();
      if (agenda.nextAt !== Infinity) throw new Error('something is left');
      if (looks > 2 * files) throw new Error(`${looks} looks for ${files} files`);
    }),
    { numRuns: 400 },
  );
  t.pass();
});

test('a time put off again and again costs no entry, and nobody is woken for the old one', (t) => {
  const agenda = new Agenda<Item>();
  const item: Item = { wakesAt: Infinity, wants: 0 };
  for (let at = 10; at < 1000; at++) agenda.file(item, at);
  t.is(agenda.size, 1);
  t.is(agenda.nextAt, 999);
  t.is(agenda.due(998.99), undefined);
  t.is(agenda.due(999), item);
  t.is(agenda.nextAt, Infinity, 'one entry stood for all');
  t.is(agenda.due(2000), undefined);
});

test('a time moved forward is looked at then, and not once more at the old time', (t) => {
  const agenda = new Agenda<Item>();
  const item: Item = { wakesAt: Infinity, wants: 0 };
  agenda.file(item, 10);
  agenda.file(item, 5);
  t.is(agenda.due(5), item);
  agenda.file(item, 50);
  t.is(agenda.due(10), undefined);
  t.is(agenda.due(50), item);
  t.is(agenda.due(99), undefined);
});

test('a time moved to and fro for long leaves nothing behind', (t) => {
  const agenda = new Agenda<Item>();
  const item: Item = { wakesAt: Infinity, wants: 0 };
  for (let now = 1; now < 10_000; now++) {
    agenda.file(item, now + 20_000); // a sign of life is to be asked for, some time
    agenda.file(item, now); // and then a datagram comes that is to be acknowledged
    t.is(agenda.due(now), item);
  }
  t.true(agenda.size <= 2 + 65, `${agenda.size} entries`);
});

test('an item that is forgotten is not looked at, and nothing holds on to it for long', (t) => {
  const agenda = new Agenda<Item>();
  const kept: Item = { wakesAt: Infinity, wants: 0 };
  agenda.file(kept, 5);
  for (let item = 0; item < 10_000; item++) {
    const gone: Item = { wakesAt: Infinity, wants: 0 };
    agenda.file(gone, 9);
    agenda.forget(gone);
    agenda.forget(gone);
  }
  t.true(agenda.size <= 2 + 65, `${agenda.size} entries`);
  t.is(agenda.due(100), kept);
  t.is(agenda.due(100), undefined);
});

test('items that are due come in the order of their times', (t) => {
  const times = fc.array(fc.integer({ min: 0, max: 1000 }), { maxLength: 100 });
  fc.assert(
    fc.property(times, (all) => {
      const agenda = new Agenda<Item>();
      for (const at of all) agenda.file({ wakesAt: Infinity, wants: at }, at);
      const got: number[] = [];
      for (let due = agenda.due(1000); due; due = agenda.due(1000)) got.push(due.wants);
      const sorted = [...all].sort((one, other) => one - other);
      return got.join() === sorted.join();
    }),
  );
  t.pass();
});
