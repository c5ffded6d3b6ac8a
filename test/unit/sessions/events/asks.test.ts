import test from 'ava';
import { altered, brief, eventBytes, SENDER, Table } from './table.ts';
import { LITTLE_ENDIAN } from '../../../../core/slab.ts';
import * as frame from '../../../../transport/wire/frame.ts';

const OTHER = { high: 7, low: 7 };

test('an overrun is asked about; an answer needs its genes (P10.8, P10.9)', async (t) => {
  const table = new Table();
  const items = table.subscribe();
  table.give(eventBytes({ number: 1 }, ['1']));
  table.give(eventBytes({ number: 1, stream: OTHER, ended: true }, ['1']), { peer: 10 });
  table.hand.sink!.overrun(3);
  table.hand.sink!.overrun(3);
  table.hand.sink!.received();
  await table.clock.advance(0);
  t.deepEqual(
    table.hand.sent.map(({ peer, bytes }) => [peer, bytes.length]),
    [[SENDER, frame.EVENT_LENGTH]],
    'one question, and none to who has ended',
  );
  const answer = await table.answer({ number: 5, stream: OTHER });
  const forged = altered(answer, (view) => view.setUint32(28, 99, LITTLE_ENDIAN));
  t.is(table.give(forged, { group: 0 }), 'good', 'it is a stream like any other');
  await table.clock.advance(0);
  t.deepEqual(brief(items.filter(({ stream }) => stream === '0102030405060708')), [1]);
  t.is(table.give(answer, { group: 0 }), 'good');
  await table.clock.advance(0);
  const own = items.filter(({ stream }) => stream === '0102030405060708');
  t.deepEqual(brief(own), [1, 'unknown restarted']);
  t.like(own[1], { next: undefined });
  t.is(table.give(eventBytes({ number: 2 }, ['2'])), 'stale-event', 'it is over');
});

test('an overrun while a question is open is asked about, too (P10.9)', async (t) => {
  const table = new Table();
  const items = table.subscribe();
  table.give(eventBytes({ number: 1 }, ['1']));
  table.hand.sink!.overrun(1);
  const answer = await table.answer({ number: 3 });
  table.hand.sink!.overrun(1);
  t.is(table.give(answer, { group: 0 }), 'good');
  t.deepEqual(await table.sent(), []);
  await table.clock.advance(4);
  const again = await table.answer({ number: 4 });
  t.is(table.give(again, { group: 0 }), 'good');
  await table.clock.advance(60_000);
  t.deepEqual(brief(items), [1, '1 lost', '1 lost']);
  t.deepEqual(await table.sent(), []);
  t.is(table.clock.pending, 0);
});

test('who breaks its word is asked six times and then gone (P10.9, P10.10)', async (t) => {
  const table = new Table();
  const items = table.subscribe();
  table.give(eventBytes({ number: 1, withinMs: 10 }, ['1']));
  await table.clock.advance(20);
  t.deepEqual(await table.sent(), [], 'not yet');
  const asked: number[] = [];
  const start = table.clock.now();
  for (let ms = 0; ms < 20_000; ms++) {
    await table.clock.advance(1);
    for (const { kind, peer } of await table.sent()) {
      t.is(kind, frame.ASK);
      t.is(peer, SENDER);
      asked.push(table.clock.now() - start);
    }
  }
  t.is(asked.length, 6);
  const spacing = asked.slice(1).map((at, index) => at - asked[index]!);
  const expected = [2, 8, 32, 128, 512];
  spacing.forEach((ms, index) => t.true(Math.abs(ms - expected[index]!) <= 2, `${ms}`));
  t.deepEqual(brief(items), [1, 'unknown gone']);
  t.is(table.clock.pending, 0);
  table.give(eventBytes({ number: 4 }, ['4']));
  await table.clock.advance(0);
  t.deepEqual(brief(items), [1, 'unknown gone', '2 lost', 4], 'and welcome back');
});

test('who keeps its word and then falls silent is not asked (P10.7, P10.9)', async (t) => {
  const table = new Table();
  table.subscribe();
  table.give(eventBytes({ number: 1, withinMs: 10 }, ['1']));
  await table.clock.advance(15);
  table.give(eventBytes({ number: 2, withinMs: 10 }));
  await table.clock.advance(15);
  table.give(eventBytes({ number: 2, withinMs: 0 }));
  await table.clock.advance(60_000);
  t.deepEqual(await table.sent(), []);
  t.is(table.clock.pending, 0);
});

test('where nobody is bound any more the sender is gone at once (P10.10)', async (t) => {
  const table = new Table({}, { reportsDeath: true });
  const items = table.subscribe();
  table.give(eventBytes({ number: 1 }, ['1']));
  table.hand.outcome = () => 'no-peer';
  table.hand.sink!.overrun(1);
  await table.clock.advance(0);
  t.deepEqual(brief(items), [1, 'unknown gone']);
});

test('who publishes nothing any more is gone, too (P10.10)', async (t) => {
  const table = new Table();
  const items = table.subscribe();
  table.give(eventBytes({ number: 1 }, ['1']));
  table.hand.sink!.overrun(1);
  const none = await table.answer({ number: 0, stream: { high: 0, low: 0 } });
  t.is(table.give(none, { group: 0 }), 'good');
  await table.clock.advance(0);
  t.deepEqual(brief(items), [1, 'unknown gone']);
});

test('a new stream of an address puts the old one in question (P10.9)', async (t) => {
  const table = new Table();
  const items = table.subscribe();
  table.give(eventBytes({ number: 1 }, ['1']));
  table.give(eventBytes({ number: 1, stream: OTHER }, ['1']));
  t.is(table.give(await table.answer({ stream: OTHER, number: 2 }), { group: 0 }), 'good');
  await table.clock.advance(0);
  t.deepEqual(brief(items), [1, 1, 'unknown restarted']);
  table.give(eventBytes({ number: 2, stream: OTHER, ended: true }));
  table.give(eventBytes({ number: 1, stream: { high: 8, low: 8 } }, ['1']));
  t.deepEqual(await table.sent(), []);
});

test('at most sixteen are asked at a time (P10.9)', async (t) => {
  const table = new Table();
  table.subscribe();
  for (let peer = 100; peer < 140; peer++) table.give(eventBytes({}, ['1']), { peer });
  table.hand.sink!.overrun(1);
  const first = await table.sent();
  t.is(first.length, 16);
  const { head, peer } = first[0]!;
  table.give(eventBytes({ seq: head.seq, ack: (head.ack + 1) >>> 0, number: 2 }), {
    peer,
    group: 0,
  });
  const [next, ...rest] = await table.sent();
  t.is(next!.peer, 116);
  t.deepEqual(rest, []);
});

test('who ends in good order while it is asked has no unknown end (P10.10)', async (t) => {
  const table = new Table();
  const items = table.subscribe();
  table.give(eventBytes({ number: 1 }, ['1']));
  table.hand.sink!.overrun(1);
  table.give(eventBytes({ number: 3, ended: true }));
  await table.clock.advance(60_000);
  t.deepEqual(brief(items), [1, '1 lost']);
  t.is((await table.sent()).length, 6);
});
