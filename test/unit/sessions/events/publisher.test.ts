import test from 'ava';
import { eventBytes, ID, Table } from './table.ts';
import { isConnectorError } from '../../../../index.ts';
import type { Publisher, SendOutcome } from '../../../../index.ts';
import { Slab } from '../../../../core/slab.ts';
import { decodeDatagram } from '../../../../transport/wire/datagram.ts';
import { readEventHead } from '../../../../transport/wire/event.ts';
import * as frame from '../../../../transport/wire/frame.ts';

/** The kinds of a datagram's cn_msg. */
function kinds(bytes: Uint8Array): number[] {
  const decoded = decodeDatagram(bytes);
  return decoded.ok ? decoded.messages.map(({ cn }) => cn.flags) : [];
}

test('events are numbered from 1 on and share datagrams (P10.1, P10.2)', async (t) => {
  const table = new Table();
  const publisher = table.endpoint.publisher(ID);
  const published: Promise<number>[] = [];
  for (let count = 0; count < 500; count++) published.push(publisher.publish('t', 'x'.repeat(74)));
  const long = publisher.publish('long', new Uint8Array(40_000));
  await table.clock.advance(0);
  t.deepEqual(
    await Promise.all(published),
    [...Array(500).keys()].map((index) => index + 1),
  );
  t.is(await long, 501);
  t.true(table.hand.sent.every(({ group }) => group === 7));
  const lengths = table.hand.sent.map(({ bytes }) => bytes.length);
  t.is(lengths.length, 5);
  t.true(lengths.slice(0, 4).every((length) => length <= 16_064));
  t.true(
    lengths.slice(0, 3).every((length) => length > 15_900),
    `${lengths.join()}`,
  );
  let number = 1;
  for (const { bytes } of table.hand.sent) {
    t.is(readEventHead(new Slab(bytes), 0, ID).number, number);
    const [first, ...rest] = kinds(bytes);
    t.is(first, frame.EVENT);
    t.true(rest.every((kind) => kind === frame.NEWS));
    number += rest.length;
  }
  t.is(table.endpoint.stats().eventsSent, 501);
});

test('after its last event a publisher sends six beacons as it said (P10.7)', async (t) => {
  const table = new Table();
  const publisher = table.endpoint.publisher(ID);
  await table.clock.advance(3);
  void publisher.publish('t', 1);
  const seen: { at: number; within: number; number: number; age: number; seq: number }[] = [];
  let start = 0;
  for (let ms = 0; ms < 30_000; ms++) {
    for (const { head } of await table.sent()) {
      if (start === 0) start = table.clock.now();
      const at = table.clock.now() - start;
      const { withinMs: within, number, ageMs: age, seq } = head;
      seen.push({ at, within, number, age, seq });
    }
    await table.clock.advance(1);
  }
  t.deepEqual(
    seen.map(({ within }) => within),
    [2, 8, 32, 128, 512, 2048, 0],
  );
  t.deepEqual(
    seen.map(({ number }) => number),
    [1, 2, 2, 2, 2, 2, 2],
  );
  seen.slice(1).forEach(({ at, age, seq }, index) => {
    const before = seen[index]!;
    t.true(at - before.at <= before.within + 1, `${at} after ${before.at}`);
    t.true(at - before.at >= before.within, 'and not much earlier');
    t.is(age, at + 3);
    t.is(seq, (before.seq + 1) >>> 0);
  });
  t.is(table.clock.pending, 0);
});

test('the next event begins anew, and closing says that it ends (P10.7)', async (t) => {
  const table = new Table();
  const publisher = table.endpoint.publisher(ID);
  void publisher.publish('t', 1);
  await table.clock.advance(50);
  await table.sent();
  void publisher.publish('t', 2);
  const [event] = await table.sent();
  t.like(event!.head, { number: 2, withinMs: 2, ended: false });
  void publisher.publish('t', 3);
  const closing = publisher.close();
  const [last, beacon] = await table.sent();
  t.like(last!.head, { number: 3, ended: true }, 'the last event says so itself');
  t.is(beacon, undefined);
  await closing;
  t.is(table.endpoint.stats().publishers, 1);
  await t.throwsAsync(publisher.publish('t', 4), { message: /^closed/ });
  const next = table.endpoint.publisher(ID);
  t.not(next.stream, publisher.stream, 'another publisher is another stream');
  await table.clock.advance(60_000);
  const rest = await table.sent();
  t.is(rest.length, 6);
  t.true(rest.every(({ head }) => head.ended && head.number === 4));
  t.is(table.endpoint.stats().publishers, 1, 'only the new one is left');
  t.is(table.clock.pending, 0);
});

test('what the transport does not take gets no number and is tried again (P10.1)', async (t) => {
  const table = new Table();
  const publisher = table.endpoint.publisher(ID);
  const outcomes: SendOutcome[] = ['no-memory', 'busy', 'sent'];
  table.hand.outcome = () => outcomes.shift() ?? 'sent';
  const published = publisher.publish('t', 1);
  await table.clock.advance(5);
  t.is(await published, 1);
  table.hand.outcome = () => 'denied';
  const refused = await t.throwsAsync(publisher.publish('t', 2));
  t.true(isConnectorError(refused, 'refused'));
  t.like(refused, { outcome: 'not-sent' });
  table.hand.outcome = () => 'no-peer';
  t.is(await publisher.publish('t', 3), 2, 'that nobody is there is no failure');
});

test('an ASK is answered with its genes, and no more bytes than it has (P10.8)', async (t) => {
  const table = new Table();
  const publisher = table.endpoint.publisher(ID);
  void publisher.publish('t', 1);
  await table.sent();
  const ask = eventBytes({ kind: frame.ASK, seq: 7, ack: 0xffff_ffff });
  t.is(table.give(ask, { group: 0 }), 'good');
  await table.clock.advance(0);
  t.is(table.hand.sent[0]!.bytes.length, ask.length);
  const [answer] = await table.sent();
  t.like(answer, { kind: frame.EVENT, peer: 9 });
  t.like(answer!.head, { seq: 7, ack: 0, number: 2, withinMs: 2, ended: false });
  t.is(`${answer!.head.stream.high}`, `${parseInt(publisher.stream.slice(0, 8), 16)}`);
  void publisher.close();
  await table.sent();
  table.endpoint.publisher(ID);
  const { stream } = answer!.head;
  t.is(table.give(eventBytes({ kind: frame.ASK, stream }), { group: 0 }), 'good');
  t.like((await table.sent())[0]!.head, { stream, ended: true }, 'that of the stream asked for');
  const stranger = eventBytes({ kind: frame.ASK, id: { idx: 8, val: 1 } });
  t.is(table.give(stranger, { group: 0 }), 'no-publisher');
  const [none] = await table.sent();
  t.like(none!.head, { number: 0, stream: { high: 0, low: 0 }, ended: false });
});

function rejected(t: { throwsAsync: (p: Promise<unknown>) => Promise<unknown> }, code: string) {
  return async (promise: Promise<unknown>): Promise<boolean> =>
    isConnectorError(await t.throwsAsync(promise), code as 'busy');
}

test('misuse is refused by name, and the queue is bounded', async (t) => {
  const table = new Table({ eventsQueuedMax: 2, eventBytesQueuedMax: 1000, publishersMax: 2 });
  const { endpoint } = table;
  const publisher: Publisher = endpoint.publisher(ID);
  t.throws(() => endpoint.publisher(ID), { message: /^invalid-argument/ });
  t.throws(() => endpoint.publisher({ idx: 0, val: 1 }), { message: /^invalid-argument/ });
  t.true(await rejected(t, 'invalid-argument')(publisher.publish('t'.repeat(256), 1)));
  t.true(await rejected(t, 'invalid-argument')(publisher.publish('t', () => 1)));
  t.true(await rejected(t, 'too-big')(publisher.publish('t', new Uint8Array(61_441))));
  t.true(await rejected(t, 'busy')(publisher.publish('t', new Uint8Array(2000))));
  void publisher.publish('t', 1);
  void publisher.publish('t', 2);
  t.true(await rejected(t, 'busy')(publisher.publish('t', 3)));
  endpoint.publisher({ idx: 8, val: 1 });
  t.throws(() => endpoint.publisher({ idx: 9, val: 1 }), { message: /^busy/ });
  await table.clock.advance(0);
  table.hand.outcome = () => 'busy';
  const stuck = publisher.publish('t', 4);
  const closing = publisher.close();
  await table.clock.advance(10);
  endpoint.destroy();
  t.true(await rejected(t, 'closed')(stuck));
  await closing;
  t.true(await rejected(t, 'closed')(publisher.publish('t', 5)));
});

test('bytes handed over may be changed as soon as publish has returned', async (t) => {
  const table = new Table();
  const publisher = table.endpoint.publisher(ID);
  const bytes = new Uint8Array([1, 2, 3]);
  void publisher.publish('t', bytes);
  bytes.fill(9);
  await table.clock.advance(0);
  const decoded = decodeDatagram(table.hand.sent[0]!.bytes);
  t.true(
    decoded.ok && Buffer.from(decoded.messages[1]!.payload).toString('hex') === '0100000074010203',
  );
});

test('only the last of several datagrams says that nothing follows (P10.7)', async (t) => {
  const table = new Table();
  const publisher = table.endpoint.publisher(ID);
  for (let count = 0; count < 500; count++) void publisher.publish('t', 'x'.repeat(74));
  void publisher.close();
  const sent = await table.sent();
  t.deepEqual(sent.map(({ head }) => head.ended), [false, false, false, true]);
});
