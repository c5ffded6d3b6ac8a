import test from 'ava';
import { envelope, message, Pipe, type Envelope } from './pipe.ts';
import { Slab } from '../../../core/slab.ts';
import type { Carrier } from '../../../reliability/carrier.ts';

// How much a carrier dares to send, and when it looks again.

const out = new Slab(65_536);
const LENGTH = 1_000;

/** One carrier without a peer, whose datagrams hold one message each. */
function lone(fifo = true): Carrier {
  return new Pipe({ fates: () => [], packedMax: LENGTH, traits: { fifo } }).left.carrier;
}

/** Sends all that may go at a time; gives how many datagrams that were. */
function send(carrier: Carrier, now: number): number {
  let count = 0;
  for (; carrier.pollTransmit(out, now) > 0; count++) carrier.transmitted(now);
  return count;
}

function accept(carrier: Carrier, fields: Envelope, now: number): void {
  carrier.accept(envelope(fields), 0, now);
}

test('P5.9: the grant of an older datagram that comes late does not count', (t) => {
  const carrier = lone();
  const grant = 3 * 1_856; // what three of these datagrams are charged, at least
  accept(carrier, { number: 1, floor: 0, grant }, 1);
  accept(carrier, { number: 0, grant: 1_000_000 }, 2);
  for (let seq = 0; seq < 50; seq++) carrier.enqueue(message(seq, LENGTH));
  const count = send(carrier, 3);
  t.true(count >= 1 && count <= 3, `${count} datagrams went`);
});

test('P5.9: a full queue takes 30 % off what is allowed to be outstanding', (t) => {
  for (const full of [true, false]) {
    const carrier = lone();
    for (let seq = 0; seq < 10; seq++) carrier.enqueue(message(seq, LENGTH));
    t.is(send(carrier, 1), 10);
    carrier.enqueue(message(10, LENGTH));
    t.true(carrier.pollTransmit(out, 1) > 0);
    carrier.refused(full, 1, 1);
    const retryAt = carrier.pollTimeout();
    t.is(send(carrier, retryAt), full ? 0 : 1, full ? 'seven are enough' : 'memory was short here');
    if (!full) continue;
    accept(carrier, { number: 0, ackBase: 3 }, retryAt);
    t.is(send(carrier, retryAt), 0, 'seven are still under way');
    accept(carrier, { number: 1, ackBase: 5 }, retryAt);
    t.is(send(carrier, retryAt), 1, 'five are not');
  }
});

test('P5.7: the end of the reordering window is waited for, not the probe', (t) => {
  const carrier = lone(false);
  carrier.enqueue(message(0, LENGTH));
  carrier.enqueue(message(1, LENGTH));
  t.is(send(carrier, 1), 2);
  const roundTripMs = 4;
  accept(carrier, { number: 0, ackBase: 0, bitmap: [0b10] }, 1 + roundTripMs);
  const due = 1 + roundTripMs * 1.25;
  t.true(Math.abs(carrier.pollTimeout() - due) < 0.001, `at ${carrier.pollTimeout()}`);
  carrier.handleTimeout(due);
  t.is(send(carrier, due), 1, 'the overtaken one goes again');
});

test('P5.9: a queue that stays full is asked ever more seldom, and in time when it is not', (t) => {
  const carrier = lone();
  carrier.enqueue(message(0, LENGTH));
  let now = 1;
  let tries = 0;
  while (now < 60_000) {
    t.true(carrier.pollTransmit(out, now) > 0);
    carrier.refused(true, now, now);
    tries += 1;
    const waitMs = carrier.pollTimeout() - now;
    t.true(waitMs <= Math.max(25, now / 8), `${waitMs} ms after ${now} ms`);
    now = carrier.pollTimeout();
  }
  t.true(tries < 100, `${tries} times in a minute`);
  t.is(send(carrier, now), 1);
  accept(carrier, { number: 0, ackBase: 1 }, now + 1);
  carrier.enqueue(message(1, LENGTH));
  t.true(carrier.pollTransmit(out, now) > 0);
  carrier.refused(true, now, now);
  t.true(carrier.pollTimeout() - now < 1, 'and begins anew');
});
