import test from 'ava';
import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { message } from './pipe.ts';
import { Flight } from '../../../reliability/flight.ts';
import type { Outgoing } from '../../../reliability/outgoing.ts';
import { RoundTrip } from '../../../reliability/rtt.ts';
import { TRACKED_DATAGRAMS } from '../../../transport/wire/frame.ts';

const CHARGE = 832;
const RTT = 4;

/** A flight, what it reported, and short ways to use it. */
class Scene {
  readonly flight: Flight;
  readonly roundTrip: RoundTrip = new RoundTrip(RTT, 0.1);
  /** Reports since the last look: + delivered, - lost. */
  #reports: string[] = [];
  readonly messages: Outgoing[] = [];

  constructor(fifo: boolean, first = 0) {
    this.flight = new Flight(first, fifo, this.roundTrip, {
      delivered: ({ seq }) => this.#reports.push(`+${seq}`),
      lost: ({ seq }) => this.#reports.push(`-${seq}`),
      measured: () => {},
      thinned: () => {},
    });
  }

  /** Sends one datagram with the messages of these numbers, made if need be. */
  send(now: number, ...seqs: number[]): void {
    const messages = seqs.map((seq) => (this.messages[seq] ??= message(seq)));
    this.flight.sent(messages, CHARGE, now);
  }

  /** Takes an acknowledgement of these datagrams and of none before, and looks for losses. */
  acknowledge(now: number, numbers: readonly number[], delayMs = 0): number {
    const base = this.flight.floor;
    const bitmap = new Array<number>(16).fill(0);
    for (const number of numbers) bitmap[(number - base) >>> 5]! |= 1 << ((number - base) & 31);
    this.flight.acknowledge(base, bitmap, delayMs, now);
    return this.flight.detectLosses(now);
  }

  reports(): string {
    return this.#reports.splice(0).join(' ');
  }
}

test('an acknowledgement delivers what it names and nothing else, once', (t) => {
  const scene = new Scene(true);
  scene.send(0, 0, 1);
  scene.send(0, 2);
  scene.flight.acknowledge(0, [1], 0, RTT);
  t.is(scene.reports(), '+0 +1');
  t.is(scene.flight.outstanding, CHARGE);
  t.true(scene.flight.waiting);
  scene.flight.acknowledge(0, [1], 0, RTT);
  t.is(scene.reports(), '');
  scene.flight.acknowledge(2, [], 0, RTT);
  t.is(scene.reports(), '+2', 'all below the base has come');
  t.is(scene.flight.outstanding, 0);
  t.false(scene.flight.waiting);
});

test('an acknowledgement gives the charge that it settled', (t) => {
  const scene = new Scene(true);
  scene.send(0, 0);
  scene.send(0, 1);
  t.is(scene.flight.acknowledge(1, [], 0, RTT), CHARGE);
  t.is(scene.flight.acknowledge(1, [], 0, RTT), 0);
  t.is(scene.flight.acknowledge(0, [2], 0, RTT), CHARGE);
});

test('on a FIFO transport what is overtaken is lost at once (P5.7)', (t) => {
  const scene = new Scene(true);
  for (let seq = 0; seq < 4; seq++) scene.send(0, seq);
  t.is(scene.acknowledge(RTT, [2]), Infinity);
  t.is(scene.reports(), '+2 -0 -1');
  t.is(scene.flight.outstanding, CHARGE, 'number 3 was sent later');
  t.is(scene.flight.floor, 3);
});

test('elsewhere it is lost when a reordering window has passed (P5.7)', (t) => {
  const scene = new Scene(false);
  scene.send(0, 0);
  scene.send(1.5, 1);
  scene.send(2, 2);
  const due = scene.acknowledge(2 + RTT, [2]);
  // A round trip of 4 ms and a window of a quarter of it: each is due 5 ms after it was sent.
  t.is(scene.reports(), '+2 -0');
  t.is(scene.flight.floor, 1);
  t.is(due, 1.5 + RTT + RTT / 4);
});

test('a reordered datagram that comes within the window is no loss', (t) => {
  const scene = new Scene(false);
  scene.send(0, 0);
  scene.send(0, 1);
  const due = scene.acknowledge(RTT, [1]);
  t.is(due, RTT + RTT / 4);
  t.is(scene.flight.detectLosses(due - 0.01), due);
  t.is(scene.reports(), '+1');
  scene.flight.acknowledge(2, [], 0, due - 0.01);
  t.is(scene.flight.detectLosses(due), Infinity);
  t.is(scene.reports(), '+0');
});

test('one that does not come is lost exactly then, and reported once', (t) => {
  const scene = new Scene(false);
  scene.send(0, 0);
  scene.send(0, 1);
  const due = scene.acknowledge(RTT, [1]);
  scene.reports();
  t.is(scene.flight.detectLosses(due), Infinity);
  t.is(scene.reports(), '-0');
  t.is(scene.flight.detectLosses(due + 100), Infinity);
  t.is(scene.reports(), '');
});

test('time alone declares no loss, nor does an earlier acknowledgement (P5.8)', (t) => {
  for (const fifo of [true, false]) {
    const scene = new Scene(fifo);
    scene.send(0, 0);
    scene.send(0, 1);
    t.is(scene.flight.detectLosses(1e9), Infinity);
    t.is(scene.acknowledge(RTT, [0]), Infinity);
    t.is(scene.flight.detectLosses(1e9), Infinity);
    t.is(scene.reports(), '+0');
  }
});

test('a late datagram widens the window, sixteen recoveries without one narrow it again', (t) => {
  const scene = new Scene(false);
  const roundTrip = (at: number): number => {
    const first = scene.flight.next;
    scene.send(at, scene.messages.length);
    scene.send(at, scene.messages.length);
    const due = scene.acknowledge(at + RTT, [first + 1]);
    scene.flight.detectLosses(due);
    return due - at;
  };
  t.is(roundTrip(0), RTT * 1.25);
  scene.flight.setLate(1);
  scene.flight.setLate(1); // the same count again says nothing new
  t.is(roundTrip(100), RTT * 1.5);
  scene.flight.setLate(0xffff);
  scene.flight.setLate(0); // the count wraps
  t.is(roundTrip(200), RTT * 2);
  scene.flight.setLate(5);
  t.is(roundTrip(300), RTT * 2, 'never more than a round trip');
  let times = 0;
  while (roundTrip(1000 + 100 * times) === RTT * 2 && times < 100) times += 1;
  t.true(times >= 15 && times <= 32, String(times));
});

test('a message that went on in a later datagram is lost only with that one', (t) => {
  const scene = new Scene(true);
  scene.send(0, 0);
  scene.send(1, 1);
  scene.send(5, 0); // a probe's copy
  scene.acknowledge(6, [1]);
  t.is(scene.reports(), '+1', 'the copy is still under way');
  scene.send(7, 2);
  scene.acknowledge(9, [3]);
  t.is(scene.reports(), '+2 -0');
});

test('a message whose two datagrams both come is delivered once', (t) => {
  const scene = new Scene(true);
  scene.send(0, 0);
  scene.send(5, 0);
  scene.acknowledge(6, [0, 1]);
  t.is(scene.reports(), '+0');
  const other = new Scene(true);
  other.send(0, 0);
  other.send(5, 0);
  other.acknowledge(6, [1]);
  t.is(other.reports(), '+0', 'and the first is then no loss');
  t.false(other.flight.waiting);
});

test('what was withdrawn is neither delivered nor lost', (t) => {
  const scene = new Scene(true);
  scene.send(0, 0, 1);
  scene.send(0, 2, 3);
  scene.send(0, 4);
  scene.messages[0]!.done = true;
  scene.messages[2]!.done = true;
  scene.acknowledge(RTT, [0]);
  t.is(scene.reports(), '+1');
  scene.acknowledge(RTT, [2]);
  t.is(scene.reports(), '+4 -3');
});

test('datagrams without anything left to deliver are forgotten, and only those', (t) => {
  const scene = new Scene(true);
  scene.send(0, 0);
  scene.send(0, 1, 2);
  scene.send(0, 3);
  for (const seq of [0, 1, 3]) scene.messages[seq]!.done = true;
  scene.flight.forget();
  t.is(scene.flight.outstanding, CHARGE);
  t.is(scene.flight.floor, 1);
  t.deepEqual(scene.flight.oldest().map(({ seq }) => seq), [1, 2]);
  scene.messages[2]!.done = true;
  scene.flight.forget();
  t.is(scene.flight.outstanding, 0);
  t.is(scene.flight.floor, scene.flight.next);
  t.deepEqual(scene.flight.oldest(), []);
  t.is(scene.reports(), '');
});

test('a datagram whose messages went on is waited for as long as there are numbers', (t) => {
  const scene = new Scene(true);
  scene.send(0, 0);
  for (let probe = 0; probe < 10; probe++) scene.send(probe, 0);
  scene.flight.forget();
  t.is(scene.flight.floor, 0, 'its acknowledgement may still come');
  for (let probe = 0; probe < TRACKED_DATAGRAMS / 2; probe++) scene.send(probe, 0);
  scene.flight.forget();
  t.is(scene.flight.floor, scene.flight.next - 1, 'only the newest copy counts');
});

test('a bare acknowledgement uses a number and is never waited for', (t) => {
  const scene = new Scene(true, 2 ** 32 - 1);
  scene.send(0);
  t.is(scene.flight.next, 2 ** 32);
  t.is(scene.flight.floor, 2 ** 32);
  scene.send(0, 0);
  scene.send(0);
  t.is(scene.flight.floor, 2 ** 32);
  t.is(scene.flight.outstanding, CHARGE);
  scene.acknowledge(RTT, [2 ** 32]);
  t.is(scene.reports(), '+0');
  t.is(scene.flight.floor, scene.flight.next);
});

test('numbers never leave what the receiver keeps track of (P5.2)', (t) => {
  const scene = new Scene(true);
  scene.send(0, 0);
  for (let count = 1; count < TRACKED_DATAGRAMS; count++) {
    t.is(scene.flight.spare, TRACKED_DATAGRAMS - count);
    scene.send(0);
  }
  t.is(scene.flight.spare, 0);
  t.throws(() => scene.send(0), { message: /invariant/ });
});

test('the newest acknowledged datagram gives a sample, with the delay of the peer', (t) => {
  const scene = new Scene(true);
  scene.send(0, 0);
  scene.send(10, 1);
  scene.acknowledge(13, [0, 1]);
  t.is(scene.roundTrip.smoothedMs, 3);
  scene.send(20, 2);
  scene.send(30, 3);
  scene.acknowledge(41, [3], 8);
  t.is(scene.roundTrip.smoothedMs, 3, '11 ms, of which the peer kept it for 8');
});

test('a datagram acknowledged after a later one gives no sample', (t) => {
  const scene = new Scene(false);
  scene.send(0, 0);
  scene.send(0, 1);
  scene.acknowledge(4, [1]);
  scene.acknowledge(4.5, [0]);
  t.is(scene.roundTrip.smoothedMs, 4);
  t.is(scene.reports(), '+1 +0');
});

test('it knows when each datagram that it keeps was sent, and of no other', (t) => {
  const scene = new Scene(false, 7);
  for (let at = 0; at < 20; at++) {
    if (at % 3 === 0) scene.send(at); // a bare acknowledgement: the number is used, nobody waits
    else scene.send(at, at);
  }
  const ages = (): number[] =>
    Array.from({ length: 22 }, (_, at) => scene.flight.sentAt(6 + at));
  const sent = (from: number): number[] =>
    Array.from({ length: 22 }, (_, at) => at - 1)
      .map((at) => (at < from || at > 19 || at % 3 === 0 ? -Infinity : at));
  t.deepEqual(ages(), sent(0));
  scene.flight.acknowledge(7 + 8, [], 0, 20);
  t.deepEqual(ages(), sent(8));
});

test('what was settled is let go of, also behind a datagram that is waited for', async (t) => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const { flight } = new Scene(false);
  flight.sent([message(0)], CHARGE, 0);
  const settled = [1, 2, 3, 4].map((seq) => {
    const sent = message(seq);
    flight.sent([sent], CHARGE, 0);
    return new WeakRef(sent);
  });
  flight.acknowledge(0, [0b11110], 0, RTT);
  await turn(); // what was looked at through a WeakRef is kept for the rest of its turn
  collect();
  t.deepEqual(settled.map((sent) => sent.deref()), [undefined, undefined, undefined, undefined]);
  t.true(flight.waiting);
});
