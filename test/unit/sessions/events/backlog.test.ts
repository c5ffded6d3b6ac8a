import test from 'ava';
import { Backlog, type EventEntry, type Origin } from '../../../../sessions/events/backlog.ts';
import { newCounters } from '../../../../sessions/counters.ts';

function origin(): Origin {
  return { peer: 1, name: 'a', trailing: undefined };
}

function event(from: Origin, number: number, size = 1): EventEntry {
  const news = { topic: new Uint8Array(0), format: 0, value: new Uint8Array(0) };
  return { kind: 'event', origin: from, number, credentials: undefined, news, size };
}

/** Everything that waits: an event as its number, a gap as what is missing and why. */
function drained(backlog: Backlog): (number | string)[] {
  const list: (number | string)[] = [];
  for (let entry = backlog.shift(); entry !== undefined; entry = backlog.shift()) {
    const { kind } = entry;
    list.push(kind === 'event' ? entry.number : `${entry.missed} ${entry.reason} ${entry.next}`);
  }
  return list;
}

test('gaps of one origin and one reason that follow each other are one', (t) => {
  const backlog = new Backlog({ entries: 10, bytes: 100 }, newCounters());
  const [one, other] = [origin(), origin()];
  backlog.miss(one, 2, 3, 'lost');
  backlog.miss(other, 5, 6, 'lost');
  backlog.miss(one, 3, 6, 'lost');
  backlog.give(event(one, 6));
  backlog.miss(one, 1, 8, 'lost');
  backlog.missUnknown(one, 'gone');
  backlog.miss(one, 1, 10, 'lost');
  t.deepEqual(drained(backlog), [
    '5 lost 6',
    '5 lost 6',
    6,
    '1 lost 8',
    'unknown gone undefined',
    '1 lost 10',
  ]);
});

test('a gap that was read does not grow any more', (t) => {
  const backlog = new Backlog({ entries: 10, bytes: 100 }, newCounters());
  const one = origin();
  backlog.miss(one, 2, 3, 'lost');
  t.like(backlog.shift(), { missed: 2 });
  backlog.miss(one, 2, 5, 'lost');
  t.deepEqual(drained(backlog), ['2 lost 5']);
});

test('a full backlog has one gap for each origin, and its bytes are bounded, too (P10.12)', (t) => {
  const counters = newCounters();
  const backlog = new Backlog({ entries: 100, bytes: 10 }, counters);
  const [one, other] = [origin(), origin()];
  backlog.give(event(one, 1, 6));
  backlog.give(event(one, 2, 6));
  t.true(backlog.full);
  for (let number = 3; number < 1000; number++) {
    backlog.give(event(one, number));
    backlog.miss(one, 1, number + 1, 'lost');
    backlog.give(event(other, number));
  }
  t.is(backlog.length, 4);
  t.is(counters.eventsUnread, 2 * 997);
  t.is(counters.eventsMissed, 3 * 997);
  backlog.missUnknown(one, 'restarted');
  backlog.give(event(one, 5));
  t.deepEqual(drained(backlog), [1, 2, 'unknown slow undefined', '997 slow 1000']);
  t.false(backlog.full);
});
