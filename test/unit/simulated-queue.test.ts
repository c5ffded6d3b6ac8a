import test from 'ava';
import type { ExecutionContext } from 'ava';
import { Slab } from '../../core/slab.ts';
import { ParcelPool, type Parcel } from '../../transport/simulated/parcel.ts';
import { ReceiveQueue } from '../../transport/simulated/receive-queue.ts';
import { truesize } from '../../transport/truesize.ts';

const DEFAULT_BUFFER = 212_992;
const pool = new ParcelPool();

function parcel(number: number, charge: number): Parcel {
  const made = pool.take(new Slab(64), 0, 64);
  made.number = number;
  made.charge = charge;
  return made;
}

/** A multicast: queued, or counted as an overrun. */
function broadcast(queue: ReceiveQueue, number: number): boolean {
  if (queue.accepts(truesize(76, false))) {
    queue.push(parcel(number, truesize(76, false)));
    return true;
  }
  queue.overrun();
  return false;
}

/** A recv, as a user of the socket sees it. */
function recv(queue: ReceiveQueue): number | string {
  const taken = queue.take();
  if (taken === undefined) return 'EAGAIN';
  return taken === 'overrun' ? 'ENOBUFS' : taken.number;
}

// KF §6.1: payload of a cn_msg; charge as unicast, as multicast; how many fit a default buffer.
const measured = [
  { payload: 0, unicast: 832, multicast: 832, fit: [256, 256] },
  { payload: 40, unicast: 832, multicast: 832, fit: [256, 256] },
  { payload: 64, unicast: 832, multicast: 832, fit: [256, 256] },
  { payload: 1024, unicast: 2304, multicast: 2304, fit: [92, 92] },
  { payload: 8192, unicast: 8832, multicast: 16_640, fit: [24, 12] },
  { payload: 16_364, unicast: 17_024, multicast: 33_024, fit: [12, 6] },
];

for (const { payload, unicast, multicast, fit } of measured) {
  test(`truesize and capacity as measured, with ${payload} bytes of payload`, (t) => {
    const length = 36 + payload;
    t.is(truesize(length, true), unicast);
    t.is(truesize(length, false), multicast);
    t.deepEqual([capacity(t, unicast), capacity(t, multicast)], fit);
  });
}

function capacity(t: ExecutionContext, charge: number): number {
  const queue = new ReceiveQueue(DEFAULT_BUFFER, true);
  let count = 0;
  for (; queue.accepts(charge); count++) queue.push(parcel(count, charge));
  t.is(recv(queue), 0, 'the first in is the first out');
  t.true(queue.accepts(charge), 'what one leaves, another takes');
  return count;
}

test('an empty queue takes a datagram of any size, and then no more', (t) => {
  const queue = new ReceiveQueue(2304, true);
  t.true(queue.accepts(16_640));
  queue.push(parcel(1, 16_640));
  t.false(queue.accepts(832));
  t.is(recv(queue), 1);
  t.true(queue.accepts(832));
});

test('the time line of an overrun without NO_ENOBUFS, step by step', (t) => {
  const queue = new ReceiveQueue(2304, false); // two slots
  t.true(broadcast(queue, 100));
  t.true(broadcast(queue, 101));
  t.false(broadcast(queue, 102));
  t.is(queue.drops, 1);
  t.true(queue.readable);
  t.false(broadcast(queue, 103));
  t.is(queue.drops, 2);
  t.is(recv(queue), 'ENOBUFS', 'the error comes before the survivors');
  t.false(broadcast(queue, 104));
  t.is(queue.drops, 3);
  t.is(recv(queue), 100);
  t.false(broadcast(queue, 105), 'deaf in spite of a free slot');
  t.is(queue.drops, 4);
  t.false(queue.accepts(832), 'a unicast is EAGAIN');
  t.is(queue.drops, 4, 'and is not counted');
  t.is(recv(queue), 101);
  t.true(broadcast(queue, 106), 'drained, so it hears again');
  t.is(recv(queue), 106);
  t.is(recv(queue), 'EAGAIN');
  t.false(queue.readable);
});

test('each overrun after a full drain is a new error', (t) => {
  const queue = new ReceiveQueue(2304, false);
  for (let round = 1; round <= 2; round++) {
    for (let number = 100; number < 104; number++) broadcast(queue, number);
    const seen = [recv(queue), recv(queue), recv(queue), recv(queue)];
    t.deepEqual(seen, ['ENOBUFS', 100, 101, 'EAGAIN']);
    t.is(queue.drops, round * 2);
  }
});

test('an overrun of an empty queue is an error too, and reading it ends the deafness', (t) => {
  const queue = new ReceiveQueue(2304, false);
  queue.overrun(); // a clone that could not be allocated, KF §6.5 #4
  t.true(queue.readable);
  t.false(queue.accepts(832));
  t.is(recv(queue), 'ENOBUFS');
  t.true(queue.accepts(832));
  t.false(queue.readable);
});

test('with NO_ENOBUFS there is no error and no deafness, but a count', (t) => {
  const queue = new ReceiveQueue(2304, true);
  for (let number = 100; number < 104; number++) broadcast(queue, number);
  t.is(queue.drops, 2);
  t.is(recv(queue), 100);
  t.true(broadcast(queue, 104), 'a slot freed is usable at once');
  t.deepEqual([recv(queue), recv(queue), recv(queue)], [101, 104, 'EAGAIN']);
  queue.overrun();
  t.false(queue.readable);
});

test('the pool lends room enough for every length, and lends it again', (t) => {
  for (const length of [1, 2, 255, 256, 257, 512, 513, 65_216, 65_537]) {
    const slab = new Slab(length);
    slab.bytes.fill(length & 0xff);
    const lent = pool.take(slab, 0, length);
    const start = lent.slab.bytes.length - 2 ** lent.order;
    t.true(2 ** lent.order <= Math.max(256, 2 * length - 1), 'no more than needed');
    t.true(start > 0, 'a parcel does not begin where its slab does');
    t.deepEqual(lent.slab.bytes.slice(start, start + length), slab.bytes);
    pool.give(lent);
    t.is(pool.take(slab, 0, length), lent);
  }
});
