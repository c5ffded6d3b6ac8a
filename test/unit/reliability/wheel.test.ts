import test from 'ava';
import { Wheel, type Expiring } from '../../../reliability/wheel.ts';

interface Entry extends Expiring {
  readonly name: string;
  deadline: number;
}

function entry(name: string, deadline: number): Entry {
  return { name, deadline, earlier: undefined, later: undefined, slot: -1 };
}

/** What expires at a time, by name, in no particular order. */
function expired(wheel: Wheel<Entry>, now: number): string {
  const names: string[] = [];
  wheel.expire(now, ({ name }) => names.push(name));
  return names.sort().join(' ');
}

test('an empty wheel asks for nothing', (t) => {
  const wheel = new Wheel<Entry>();
  t.is(wheel.nextAt, Infinity);
  t.is(expired(wheel, 1e6), '');
  const only = entry('only', 1e6 + 10);
  wheel.add(only);
  t.is(wheel.nextAt, 1e6 + 10);
  wheel.remove(only);
  t.is(wheel.nextAt, Infinity);
  wheel.add(entry('later', 1e6 + 99));
  t.is(wheel.nextAt, 1e6 + 99, 'what was removed is not waited for');
});

test('what never expires is not in the wheel, and removing it is harmless', (t) => {
  const wheel = new Wheel<Entry>();
  const never = entry('never', Infinity);
  wheel.add(never);
  t.is(wheel.nextAt, Infinity);
  wheel.remove(never);
  t.is(expired(wheel, 1e9), '');
});

test('a fraction of a millisecond is rounded up, never down', (t) => {
  const wheel = new Wheel<Entry>();
  wheel.add(entry('a', 10.001));
  t.is(expired(wheel, 10.9), '');
  t.is(expired(wheel, 11), 'a');
});

test('a deadline that is past when it is added expires with the next tick', (t) => {
  const wheel = new Wheel<Entry>();
  wheel.add(entry('first', 100));
  t.is(expired(wheel, 100), 'first');
  wheel.add(entry('past', 50));
  t.true(wheel.nextAt <= 101);
  t.is(expired(wheel, 101), 'past');
});

test('deadlines a whole number of turns apart share a slot and keep apart', (t) => {
  const wheel = new Wheel<Entry>();
  for (let turn = 5; turn >= 0; turn--) wheel.add(entry(`turn ${turn}`, 7 + 1024 * turn));
  for (let turn = 0; turn < 6; turn++) {
    t.is(expired(wheel, 6 + 1024 * turn), '');
    t.is(expired(wheel, 7 + 1024 * turn), `turn ${turn}`);
  }
});

test('a sleep longer than a turn misses nothing', (t) => {
  const wheel = new Wheel<Entry>();
  for (const at of [1, 1024, 1025, 2000, 5000, 5001]) wheel.add(entry(String(at), at));
  t.is(expired(wheel, 5000), '1 1024 1025 2000 5000');
  t.is(wheel.nextAt, 5001);
});

test('what a callback removes does not expire any more', (t) => {
  const wheel = new Wheel<Entry>();
  const one = entry('one', 10);
  const other = entry('other', 10);
  wheel.add(one);
  wheel.add(other);
  const names: string[] = [];
  wheel.expire(10, ({ name }) => {
    names.push(name);
    wheel.remove(one);
    wheel.remove(other);
  });
  t.is(names.length, 1);
  t.is(wheel.nextAt, Infinity);
  t.is(expired(wheel, 3000), '');
});

test('what a callback puts off expires at its new time', (t) => {
  const wheel = new Wheel<Entry>();
  const one = entry('one', 10);
  const other = entry('other', 10);
  wheel.add(one);
  wheel.add(other);
  let calls = 0;
  wheel.expire(10, (due) => {
    calls += 1;
    const later = due === one ? other : one;
    wheel.remove(later);
    later.deadline = 50;
    wheel.add(later);
  });
  t.is(calls, 1);
  t.is(expired(wheel, 49), '');
  t.is(expired(wheel, 50).split(' ').length, 1);
  t.is(wheel.nextAt, Infinity);
});

test('what a callback adds anew, itself included, waits for its own time', (t) => {
  const wheel = new Wheel<Entry>();
  wheel.add(entry('again', 10));
  for (let at = 10; at < 3000; at += 100) {
    const names: string[] = [];
    wheel.expire(at, (due) => {
      names.push(due.name);
      due.deadline += 100;
      wheel.add(due);
    });
    t.deepEqual(names, ['again']);
    t.is(wheel.nextAt, at + 100);
  }
});

test('removing the first, the middle and the last of a slot leaves the others', (t) => {
  for (const gone of ['a', 'b', 'c']) {
    const wheel = new Wheel<Entry>();
    const entries = ['a', 'b', 'c'].map((name) => entry(name, 10));
    for (const each of entries) wheel.add(each);
    wheel.remove(entries.find(({ name }) => name === gone)!);
    t.is(expired(wheel, 10), ['a', 'b', 'c'].filter((name) => name !== gone).join(' '));
  }
});
