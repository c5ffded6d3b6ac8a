import test from 'ava';
import { altered, brief, eventBytes, ID, SENDER, STREAM, Table } from './table.ts';
import { LITTLE_ENDIAN } from '../../../../core/slab.ts';
import * as frame from '../../../../transport/wire/frame.ts';

const OTHER = { high: 7, low: 7 };
const OLD = 1_000_000;
const LOSSY = { fifo: false } as const;
const QUEUE = { fifo: true, lossless: true } as const;

test('on a FIFO transport a gap is reported at once and exactly (P10.4)', async (t) => {
  const table = new Table();
  const items = table.subscribe();
  t.is(table.give(eventBytes({ number: 1 }, ['"a"'])), 'good');
  t.is(table.give(eventBytes({ number: 5 }, ['"e"', '"f"'])), 'good');
  await table.clock.advance(0);
  t.deepEqual(brief(items), [1, '3 lost', 5, 6]);
  t.like(items[1], { kind: 'gap', sender: SENDER, stream: '0102030405060708', next: 5 });
  t.like(items[2], { topic: 't', value: 'e', credentials: undefined });
  t.is(table.endpoint.stats().eventsMissed, 3);
  t.is(table.endpoint.stats().eventsReceived, 3);
});

test('elsewhere what came too early is held for a while before a gap (P10.4)', async (t) => {
  const table = new Table({}, LOSSY);
  const items = table.subscribe();
  table.give(eventBytes({ number: 1 }, ['1']));
  table.give(eventBytes({ number: 4 }, ['4']));
  table.give(eventBytes({ number: 3 }, ['3']));
  await table.clock.advance(9);
  t.deepEqual(brief(items), [1], 'it may still come');
  table.give(eventBytes({ number: 2 }, ['2']));
  await table.clock.advance(0);
  t.deepEqual(brief(items), [1, 2, 3, 4]);
  table.give(eventBytes({ number: 9 }, ['9']));
  table.give(eventBytes({ number: 7 }, ['7']));
  await table.clock.advance(12);
  t.deepEqual(brief(items), [1, 2, 3, 4, '2 lost', 7, '1 lost', 9]);
});

test('a process that stood still reads before it believes that something is missing', async (t) => {
  const table = new Table({}, LOSSY);
  const items = table.subscribe();
  table.give(eventBytes({ number: 1 }, ['1']));
  table.give(eventBytes({ number: 3 }, ['3']));
  await table.clock.advance(5);
  table.stopped.stoodMs = 500;
  await table.clock.advance(5);
  t.deepEqual(brief(items), [1], 'the time is up, but what came meanwhile is not read yet');
  table.give(eventBytes({ number: 2 }, ['2']));
  await table.clock.advance(5);
  t.deepEqual(brief(items), [1, 2, 3]);
  table.give(eventBytes({ number: 5 }, ['5']));
  await table.clock.advance(5);
  table.stopped.stoodMs = 1000;
  await table.clock.advance(15);
  t.deepEqual(brief(items), [1, 2, 3, '1 lost', 5], 'it did not come');
});

test('what was given or reported as missing is dropped and counted (P10.5)', async (t) => {
  const table = new Table();
  const items = table.subscribe();
  table.give(eventBytes({ number: 1 }, ['1']));
  table.give(eventBytes({ number: 3 }, ['3']));
  t.is(table.give(eventBytes({ number: 1 }, ['1'])), 'stale-event', 'a copy');
  t.is(table.give(eventBytes({ number: 2 }, ['2'])), 'stale-event', 'it came too late');
  t.is(table.give(eventBytes({ number: 2 }, ['2', '3', '4'])), 'good', 'one of them is news');
  await table.clock.advance(0);
  t.deepEqual(brief(items), [1, '1 lost', 3, 4]);
  t.is(table.endpoint.stats().eventsStale, 4);
});

test('a stream that is younger than the subscription is followed from 1 on (P10.6)', async (t) => {
  const table = new Table();
  await table.clock.advance(100);
  const items = table.subscribe();
  await table.clock.advance(50);
  table.give(eventBytes({ number: 3, ageMs: 50 }, ['3']));
  table.give(eventBytes({ number: 3, ageMs: 52, stream: OTHER }, ['3']), { peer: 10 });
  table.give(eventBytes({ number: 8, ageMs: frame.AGE_MAX }), { peer: 11 });
  table.give(eventBytes({ number: 9, ageMs: frame.AGE_MAX }, ['9']), { peer: 11 });
  await table.clock.advance(0);
  t.deepEqual(brief(items), ['2 lost', 3, 3, '1 lost', 9]);
});

test('a beacon tells what is missing at the end (P10.2)', async (t) => {
  const table = new Table();
  const items = table.subscribe();
  table.give(eventBytes({ number: 1 }, ['1']));
  t.is(table.give(eventBytes({ number: 4 })), 'good');
  t.is(table.give(eventBytes({ number: 2 })), 'good', 'an old one tells nothing');
  await table.clock.advance(0);
  t.deepEqual(brief(items), [1, '2 lost']);
});

test('what is not whole, or not for all, has no effect (P10.3)', async (t) => {
  const table = new Table();
  const items = table.subscribe();
  const good = eventBytes({ number: 1 }, ['"one"', '"two"']);
  const news = frame.EVENT_LENGTH;
  const bad: Readonly<Record<string, (view: DataView) => void>> = {
    'the head has another length': (view) => view.setUint16(32, 40, LITTLE_ENDIAN),
    'a number is not the one before + 1': (view) => view.setUint32(news + 8, 2, LITTLE_ENDIAN),
    'it is of another id': (view) => view.setUint32(news + 4, 2, LITTLE_ENDIAN),
    'it is of another idx': (view) => view.setUint32(news, 2, LITTLE_ENDIAN),
    'it is of another kind': (view) => view.setUint16(news + 18, frame.REQUEST, LITTLE_ENDIAN),
    'a topic ends behind its event': (view) => view.setUint8(news + 20, 200),
    'an event ends behind the datagram': (view) => view.setUint16(news + 16, 200, LITTLE_ENDIAN),
    'half a header is left': (view) => view.setUint32(0, good.length - 16, LITTLE_ENDIAN),
  };
  for (const [what, change] of Object.entries(bad)) {
    t.is(table.give(altered(good, change)), 'malformed', what);
  }
  t.is(table.give(eventBytes({ number: 0 }, ['1'])), 'bad-number');
  t.is(table.give(eventBytes({ number: 2 ** 53 }, ['1'])), 'bad-number');
  t.is(table.give(eventBytes({ number: 2 ** 53 - 1 }, ['1', '2'])), 'bad-number');
  t.is(table.give(eventBytes({ stream: { high: 0, low: 0 } }, ['1'])), 'malformed');
  t.is(table.give(eventBytes({ stream: { high: 0, low: 0 }, number: 0 })), 'unexpected');
  t.is(table.give(good, { group: 0 }), 'unexpected', 'an event by unicast');
  t.is(table.give(good, { group: ID.idx + 1 }), 'unexpected', 'an event to another group');
  t.is(table.give(eventBytes({ id: { idx: 7, val: 2 } })), 'no-subscriber');
  t.is(table.give(good), 'good');
  await table.clock.advance(0);
  t.deepEqual(
    items.map((item) => item.kind === 'event' && item.value),
    ['one', 'two'],
  );
});

test('who is denied is not heard, and a rule that throws denies (P10.3)', async (t) => {
  const table = new Table();
  const root = { pid: 1, uid: 0, gid: 0 };
  const items = table.subscribe({
    allow: (credentials) => {
      if (credentials === undefined) throw new Error('who?');
      return credentials.uid === 0;
    },
  });
  t.is(table.give(eventBytes({}, ['1'])), 'denied');
  t.is(table.give(eventBytes({}, ['1']), { credentials: { ...root, uid: 5 } }), 'denied');
  t.is(table.give(eventBytes({ number: 2 }, ['2']), { credentials: root }), 'good');
  await table.clock.advance(0);
  t.deepEqual(brief(items), ['1 lost', 2]);
  t.like(items[1], { credentials: root });
});

test('a sender may jump as far as it likes: that is its own affair', async (t) => {
  for (const traits of [QUEUE, LOSSY]) {
    const table = new Table({}, traits);
    const items = table.subscribe();
    table.give(eventBytes({ number: 1, stream: OTHER }, ['1']), { peer: 10 });
    table.give(eventBytes({ number: 2 ** 53 - 1 }, ['1']));
    table.give(eventBytes({ number: 2, stream: OTHER }, ['2']), { peer: 10 });
    await table.clock.advance(20);
    const others = items.filter(({ sender }) => sender === 10);
    t.deepEqual(brief(others), [1, 2]);
    const own = items.filter(({ sender }) => sender === SENDER);
    t.deepEqual(brief(own), [`${2 ** 53 - 2} lost`, 2 ** 53 - 1]);
  }
});

test('a value that cannot be read is a gap of one', async (t) => {
  const table = new Table();
  const items = table.subscribe();
  table.give(eventBytes({ number: 1 }, ['no JSON', '2']));
  await table.clock.advance(0);
  t.deepEqual(brief(items), ['1 unreadable', 2]);
});

test('who gave way comes back as a gap of unknown size (P10.11)', async (t) => {
  const table = new Table({ eventSendersMax: 2 }, QUEUE);
  const items = table.subscribe();
  await table.clock.advance(10);
  for (const peer of [20, 21, 20, 22]) table.give(eventBytes({ ageMs: 5 }, ['1']), { peer });
  await table.clock.advance(10);
  t.is(table.give(eventBytes({ number: 4, ageMs: OLD }, ['4']), { peer: 21 }), 'good');
  t.is(table.give(eventBytes({ number: 5, ageMs: OLD }, ['5']), { peer: 21 }), 'good');
  t.is(table.give(eventBytes({ number: 2, ageMs: 0 }, ['2']), { peer: 23 }), 'good');
  await table.clock.advance(0);
  t.deepEqual(brief(items.filter(({ sender }) => sender === 21)), [1, 'unknown forgotten', 4, 5]);
  t.deepEqual(brief(items.filter(({ sender }) => sender === 23)), ['1 lost', 2], 'surely new');
});

test('nobody gives way of whom something is missing or owed (P10.11)', async (t) => {
  const table = new Table({ eventSendersMax: 1 });
  const items = table.subscribe();
  table.give(eventBytes({ withinMs: 50 }, ['1']), { peer: 20 });
  t.is(table.give(eventBytes({}, ['1']), { peer: 21 }), 'over-limit');
  table.give(eventBytes({ number: 2, withinMs: 0 }), { peer: 20 });
  t.is(table.give(eventBytes({ number: 2, ageMs: 0 }, ['2']), { peer: 21 }), 'good');
  await table.clock.advance(0);
  t.deepEqual(brief(items), [1, '1 lost', 2], 'nobody else was ever forgotten: it is new');
});

test('where copies come late, the forgotten must answer first (P10.11)', async (t) => {
  const table = new Table({ eventSendersMax: 1 });
  const items = table.subscribe();
  table.give(eventBytes({}, ['1']), { peer: 20 });
  table.give(eventBytes({}, ['1']), { peer: 22 });
  t.is(table.give(eventBytes({}, ['1']), { peer: 21 }), 'unconfirmed');
  const toNew = await table.answer({ number: 3 });
  t.is(table.give(eventBytes({}, ['1']), { peer: 21 }), 'unconfirmed', 'a copy of the first');
  t.is(table.give(toNew, { peer: 21, group: 0 }), 'good');
  t.is(table.give(eventBytes({ number: 2 }, ['2']), { peer: 21 }), 'stale-event');
  t.is(table.give(eventBytes({ number: 4 }, ['4']), { peer: 21 }), 'good');
  await table.clock.advance(0);
  const own = items.filter(({ sender }) => sender === 21);
  t.deepEqual(brief(own), ['unknown forgotten', '1 lost', 4]);
});

test('an address has four streams, and old ones stay known (P10.11)', async (t) => {
  const table = new Table();
  const items = table.subscribe();
  const stream = (low: number) => ({ high: 1, low });
  for (let low = 1; low <= 4; low++) table.give(eventBytes({ stream: stream(low) }, ['1']));
  for (let low = 1; low <= 4; low++) {
    t.is(table.give(eventBytes({ stream: stream(low) }, ['1'])), 'stale-event');
  }
  t.is(table.give(eventBytes({ stream: stream(5) }, ['1'])), 'over-limit', 'the first is asked');
  await table.clock.advance(60_000);
  t.is(table.give(eventBytes({ stream: stream(5) }, ['1'])), 'good');
  await table.clock.advance(60_000);
  t.is(table.give(eventBytes({ stream: stream(1) }, ['1'])), 'unconfirmed', 'it was forgotten');
  t.is(items.filter(({ kind }) => kind === 'event').length, 5);
});

test('a slow listener misses exactly what its buffer has no room for (P10.12)', async (t) => {
  const table = new Table();
  const subscription = table.endpoint.subscribe(ID, { buffer: 3 });
  const next = async (): Promise<number | string> => {
    const { value } = await subscription.next();
    return brief([value!])[0]!;
  };
  for (let number = 1; number <= 6; number++) table.give(eventBytes({ number }, ['1']));
  table.give(eventBytes({ number: 8 }, ['8']));
  t.is(table.give(eventBytes({}, ['1']), { peer: 10 }), 'over-limit', 'nobody new is let in');
  t.is(await next(), 1);
  t.is(await next(), 2);
  table.give(eventBytes({ number: 9 }, ['9']));
  t.is(await next(), 3);
  t.is(await next(), '5 slow');
  t.is(await next(), 9);
  t.is(table.endpoint.stats().eventsUnread, 4);
  t.is(table.endpoint.stats().eventsMissed, 5);
  subscription.close();
  t.deepEqual(await subscription.next(), { done: true, value: undefined });
});

test('what is held for those before it is bounded, too (P10.4)', async (t) => {
  const table = new Table({ eventsHeldMax: 2 }, LOSSY);
  const items = table.subscribe();
  table.give(eventBytes({ number: 3 }, ['3']));
  table.give(eventBytes({ number: 5 }, ['5']));
  await table.clock.advance(1);
  t.deepEqual(brief(items), []);
  table.give(eventBytes({ number: 7 }, ['7']));
  await table.clock.advance(1);
  t.deepEqual(brief(items), ['2 lost', 3]);
});

test('the last of several subscriptions leaves the group', async (t) => {
  const table = new Table();
  const abort = new AbortController();
  const one = table.endpoint.subscribe(ID);
  const other = table.endpoint.subscribe({ idx: 7, val: 2 }, { signal: abort.signal });
  t.deepEqual([...table.hand.groups], [7]);
  table.give(eventBytes({}, ['1']));
  for await (const item of one) {
    t.is(item.kind, 'event');
    break;
  }
  t.deepEqual([...table.hand.groups], [7]);
  const waiting = other.next();
  abort.abort(new Error('enough'));
  await t.throwsAsync(waiting, { message: /^cancelled/ });
  t.deepEqual(await other.next(), { done: true, value: undefined });
  t.deepEqual([...table.hand.groups], []);
  t.is(table.endpoint.stats().subscriptions, 0);
  t.throws(() => table.endpoint.subscribe(ID, { signal: abort.signal }), { message: /^cancelled/ });
  t.throws(() => table.endpoint.subscribe({ idx: 33, val: 1 }), { message: /^invalid-argument/ });
  t.throws(() => table.endpoint.subscribe(ID, { buffer: 0 }), { message: /^invalid-argument/ });
});

test('a transport that fails or an endpoint that closes ends subscriptions', async (t) => {
  const failed = new Table();
  const subscription = failed.endpoint.subscribe(ID);
  failed.hand.sink!.failed(new Error('torn'));
  await t.throwsAsync(subscription.next(), { message: /^unavailable: .*torn/ });
  const closed = new Table();
  const waiting = closed.endpoint.subscribe(ID).next();
  await closed.endpoint.close();
  t.deepEqual(await waiting, { done: true, value: undefined });
  t.throws(() => closed.endpoint.subscribe(ID), { message: /^closed/ });
});

test('two subscriptions of an id have each their own rule and place', async (t) => {
  const table = new Table();
  const all = table.subscribe();
  const none = table.subscribe({ allow: () => false });
  t.is(table.give(eventBytes({}, ['1'])), 'good');
  const late = table.subscribe();
  await table.clock.advance(5);
  t.is(table.give(eventBytes({ number: 2, ageMs: 500, stream: STREAM }, ['2'])), 'good');
  await table.clock.advance(0);
  t.deepEqual([brief(all), brief(none), brief(late)], [[1, 2], [], [2]]);
});

test('a rule may end its own subscription', async (t) => {
  const table = new Table();
  const subscription = table.endpoint.subscribe(ID, {
    allow: () => {
      subscription.close();
      return true;
    },
  });
  t.is(table.give(eventBytes({ withinMs: 5 }, ['1'])), 'no-subscriber');
  await table.clock.advance(60_000);
  t.is(table.clock.pending, 0);
  t.deepEqual(await table.sent(), []);
});
