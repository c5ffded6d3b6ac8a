import test from 'ava';
import type { ExecutionContext } from 'ava';
import { envelope, message, Pipe, take, type Envelope, type Fates } from './pipe.ts';
import { Slab } from '../../../core/slab.ts';
import type { DataRefusal } from '../../../reliability/refusal.ts';
import { CN_MSG_HEADER } from '../../../transport/wire/cnmsg.ts';
import * as frame from '../../../transport/wire/frame.ts';

const DELAY = 0.5;
const out = new Slab(65_536);

/** Loses the datagrams with these counts, of all that the pipe carries. */
function losing(...lost: number[]): Fates {
  return (count) => (lost.includes(count) ? [] : [DELAY]);
}

function pipeWith(fates: Fates = losing()): Pipe {
  return new Pipe({ fates });
}

test('a lost last datagram costs exactly one probe', (t) => {
  const pipe = pipeWith(losing(0));
  pipe.left.carrier.enqueue(message(0));
  pipe.run();
  t.is(pipe.left.sent, 2);
  t.is(pipe.right.sent, 1);
  t.is(pipe.left.delivered.length, 1);
  t.is(pipe.left.carrier.fruitlessProbes, 0, 'the acknowledgement settles the count');
  t.true(pipe.now < 1 + 3.2 + 2 * DELAY + 0.5, `at ${pipe.now}`);
});

test('a lost acknowledgement costs exactly one probe, and nothing is delivered twice', (t) => {
  const pipe = pipeWith(losing(1));
  pipe.left.carrier.enqueue(message(0));
  pipe.run();
  t.is(pipe.left.sent, 2);
  t.is(pipe.right.sent, 2);
  t.is(pipe.left.delivered.length, 1);
});

test('a probe carries what is not known to have come, oldest first (P5.8)', (t) => {
  const pipe = pipeWith((count) => (count < 3 ? [] : [DELAY]));
  for (let seq = 0; seq < 3; seq++) {
    pipe.at(1 + seq / 100, () => pipe.left.carrier.enqueue(message(seq)));
  }
  pipe.run();
  t.is(pipe.left.delivered.length, 3);
  t.is(pipe.right.arrived[0], 0);
  t.deepEqual([...new Set(pipe.right.arrived)].sort(), [0, 1, 2]);
});

test('a gap on a FIFO transport is repaired within a round trip, without a probe (P5.7)', (t) => {
  const pipe = new Pipe({ fates: losing(1), packedMax: 200 });
  for (let seq = 0; seq < 4; seq++) pipe.left.carrier.enqueue(message(seq, 100));
  pipe.run();
  t.is(pipe.left.sent, 5);
  t.deepEqual(pipe.right.arrived, [0, 2, 3, 1]);
  t.true(pipe.now < 1 + 4 * DELAY + 0.6, `at ${pipe.now}`);
});

test('probes back off only after two fruitless ones, and to eight times at most (P5.8)', (t) => {
  const times: number[] = [];
  const pipe: Pipe = new Pipe({
    fates: (_count, from) => {
      if (from === 'left') times.push(pipe.now);
      return times.length <= 30 ? [] : [DELAY];
    },
  });
  pipe.left.carrier.enqueue(message(0));
  pipe.run();
  const waits = times.slice(1).map((at, index) => at - times[index]!);
  // The hint is 1 ms: smoothed 1 + 4 times half of it + an eighth for the peer's delay.
  t.true(Math.abs(waits[0]! - 3.125) < 1e-9);
  t.true(Math.abs(waits[2]! - waits[0]!) < 1e-9, 'two fruitless probes change nothing');
  t.true(Math.abs(waits[3]! / waits[2]! - 1.25) < 1e-9);
  t.true(waits.every((wait, index) => index === 0 || wait >= waits[index - 1]! - 1e-9));
  t.true(Math.abs(waits.at(-1)! - 8 * waits[0]!) < 1e-6);
});

test('silence counts from the last acknowledgement, while something is open (P5.11)', (t) => {
  const { carrier } = pipeWith(() => []).left;
  t.is(carrier.silenceMs(500), 0, 'nothing is asked of the peer');
  for (let seq = 0; seq < 2; seq++) {
    carrier.enqueue(message(seq));
    t.true(carrier.pollTransmit(out, 500) > 0);
    carrier.transmitted(500);
  }
  t.is(carrier.silenceMs(700), 200, 'counted from the question, not from the start');
  t.is(carrier.accept(envelope({ number: 0 }), 0, 900), undefined);
  t.is(carrier.silenceMs(1000), 500, 'a peer that talks and does not listen is silent');
  t.is(carrier.accept(envelope({ number: 1, ackBase: 1 }), 0, 1100), undefined);
  t.is(carrier.silenceMs(1200), 100);
  t.is(carrier.accept(envelope({ number: 2, ackBase: 2 }), 0, 1300), undefined);
  t.is(carrier.silenceMs(2000), 0);
});

/** What a fresh carrier that has sent two datagrams says to an envelope. */
function refusal(fields: Envelope): DataRefusal | undefined {
  const { carrier } = pipeWith().left;
  for (let seq = 0; seq < 2; seq++) {
    carrier.enqueue(message(seq));
    carrier.pollTransmit(out, 1);
    carrier.transmitted(1);
  }
  return take(carrier, envelope(fields), 2);
}

test('an acknowledgement of what was never sent is refused (P5.5)', (t) => {
  t.is(refusal({ number: 0, ackBase: 2 }), undefined);
  t.is(refusal({ number: 0, ackBase: 3 }), 'ack-of-unsent');
  t.is(refusal({ number: 0, ackBase: 0x7fff_ffff }), 'ack-of-unsent');
  t.is(refusal({ number: 0, bitmap: [0b11] }), undefined);
  t.is(refusal({ number: 0, bitmap: [0b100] }), 'ack-of-unsent');
  t.is(refusal({ number: 0, ackBase: 1, bitmap: [0b10] }), 'ack-of-unsent');
  t.is(refusal({ number: 0, bitmap: [0, 1] }), 'ack-of-unsent');
  t.is(refusal({ number: 0, bitmap: [0b11, 0, 0] }), undefined, 'zeros claim nothing');
  t.is(refusal({ number: 0, ackBase: -5 }), undefined, 'an old acknowledgement is only old');
});

test('a number and a floor that contradict each other are refused (P5.2, P5.3)', (t) => {
  t.is(refusal({ number: 600, floor: 600 }), undefined);
  t.is(refusal({ number: 600, floor: 601 }), 'bad-number');
  t.is(refusal({ number: 600, floor: 89 }), undefined);
  t.is(refusal({ number: 600, floor: 88 }), 'bad-number');
  t.is(refusal({ number: 65_535 }), undefined);
  t.is(refusal({ number: 65_536 }), 'bad-number', 'no honest peer jumps that far');
  t.is(refusal({ number: 2 ** 63 }), 'bad-number');
});

test('a refused datagram changes nothing', (t) => {
  const { carrier } = pipeWith().left;
  carrier.enqueue(message(0));
  carrier.pollTransmit(out, 1);
  carrier.transmitted(1);
  const timeout = carrier.pollTimeout();
  const bad: Envelope[] = [{ number: 0, ackBase: 2 }, { number: 700, floor: 1 }];
  for (const fields of bad) t.not(take(carrier, envelope(fields), 2), undefined);
  t.is(carrier.pollTimeout(), timeout);
  t.is(carrier.pollTransmit(out, 2), 0, 'no acknowledgement is due');
  t.is(carrier.silenceMs(10), 9);
  t.is(take(carrier, envelope({ number: 0, ackBase: 1 }), 11), undefined);
});

test('copies and what is too old to tell are refused', (t) => {
  const { carrier } = pipeWith().left;
  const accept = (number: number): DataRefusal | undefined =>
    carrier.accept(envelope({ number }), 0, 2);
  t.is(accept(5), undefined);
  t.is(accept(5), 'duplicate-datagram');
  t.is(accept(1000), undefined);
  t.is(accept(5), 'stale-datagram');
});

test('a datagram that was given up and comes after all is told to the peer (P5.3)', (t) => {
  const { carrier } = pipeWith().left;
  t.is(take(carrier, envelope({ number: 5, floor: 5 }), 2), undefined);
  t.is(take(carrier, envelope({ number: 3, floor: 0 }), 2), undefined);
  carrier.acknowledgeNow(3);
  carrier.pollTransmit(out, 3);
  t.is(out.view.getUint16(frame.DATA_LATE, true), 1);
});

function budget(length: number): number {
  return out.view.getUint32(length - 40 + CN_MSG_HEADER + frame.REQUEST_BUDGET, true);
}

test('the budget of a request shrinks with each transmission, to zero at least (P6.6)', (t) => {
  const { carrier } = pipeWith().left;
  carrier.enqueue(message(0, 40, 21));
  let before = Infinity;
  for (const now of [1, 10, 20, 30]) {
    carrier.handleTimeout(now);
    const length = carrier.pollTransmit(out, now);
    t.true(length > 0, `a probe at ${now}`);
    t.is(budget(length), Math.max(0, (21 - now) * 1000));
    t.true(budget(length) < before);
    before = budget(length);
    carrier.transmitted(now);
  }
});

test('a request without a deadline keeps the budget it was encoded with', (t) => {
  const { carrier } = pipeWith().left;
  const endless = message(0);
  new Slab(endless.bytes).view.setUint32(CN_MSG_HEADER, frame.BUDGET_NONE, true);
  carrier.enqueue(endless);
  t.is(budget(carrier.pollTransmit(out, 1)), frame.BUDGET_NONE);
  carrier.transmitted(1);
  const far = message(1, 40, 1e12);
  carrier.enqueue(far);
  t.is(budget(carrier.pollTransmit(out, 1)), frame.BUDGET_NONE, 'more than fits is no limit');
  carrier.transmitted(1);
  carrier.enqueue(message(2, 40, 1 + (frame.BUDGET_NONE - 1) / 1000));
  t.is(budget(carrier.pollTransmit(out, 1)), frame.BUDGET_NONE - 1);
});

test('no more is outstanding than was granted, whatever waits (P5.9)', (t) => {
  const { carrier } = new Pipe({ fates: () => [], grant: 3 * 832, packedMax: 200 }).left;
  for (let seq = 0; seq < 10; seq++) carrier.enqueue(message(seq, 100));
  const burst = (): number => {
    let count = 0;
    for (; carrier.pollTransmit(out, 1) > 0; count++) carrier.transmitted(1);
    return count;
  };
  t.is(burst(), 3);
  t.is(carrier.accept(envelope({ number: 0, ackBase: 1, grant: 2 * 832 }), 0, 2), undefined);
  t.is(burst(), 0, 'a smaller grant holds at once');
  t.is(carrier.accept(envelope({ number: 1, ackBase: 3, grant: 5 * 832 }), 0, 3), undefined);
  t.is(burst(), 5);
});

test('a message larger than the grant goes alone when nothing is under way', (t) => {
  const { carrier } = new Pipe({ fates: () => [], grant: 832 }).left;
  carrier.enqueue(message(0, 40_000));
  carrier.enqueue(message(1, 40_000));
  t.true(carrier.pollTransmit(out, 1) > 40_000);
  carrier.transmitted(1);
  t.is(carrier.pollTransmit(out, 1), 0);
});

test('a full queue holds everything back for a while, then it is tried again', (t) => {
  let refusals = 0;
  const pipe = new Pipe({ fates: losing(), busy: () => refusals++ < 5 });
  pipe.left.carrier.enqueue(message(0));
  pipe.run();
  t.is(pipe.left.delivered.length, 1);
  t.is(pipe.left.sent, 1);
  t.true(pipe.now < 10, `at ${pipe.now}`);
});

test('after a refusal nothing is sent before the time that was named', (t) => {
  const { carrier } = pipeWith().left;
  carrier.enqueue(message(0));
  carrier.pollTransmit(out, 1);
  carrier.refused(true, 1, 1);
  const at = carrier.pollTimeout();
  t.true(at > 1 && at <= 26);
  t.is(carrier.pollTransmit(out, at - 0.001), 0);
  t.true(carrier.pollTransmit(out, at) > 0);
});

test('what is withdrawn while it waits for a full queue leaves no timer', (t) => {
  const { carrier } = pipeWith().left;
  const only = message(0);
  carrier.enqueue(only);
  carrier.pollTransmit(out, 1);
  carrier.refused(true, 1, 1);
  only.done = true;
  t.is(carrier.pollTransmit(out, carrier.pollTimeout()), 0);
  t.is(carrier.pollTimeout(), Infinity);
  t.true(carrier.settled);
});

test('a message is sent again on request, but not within a round trip (P6.4)', (t) => {
  const { carrier } = pipeWith().left;
  const reply = message(0);
  carrier.resend(reply, 1);
  t.true(carrier.settled, 'one that was never sent waits in its own queue or nowhere');
  carrier.enqueue(reply);
  carrier.pollTransmit(out, 1);
  carrier.transmitted(1);
  carrier.resend(reply, 1.5);
  t.is(carrier.pollTransmit(out, 1.5), 0);
  carrier.resend(reply, 3);
  carrier.resend(reply, 3);
  t.true(carrier.pollTransmit(out, 3) > 0);
  t.deepEqual(carrier.transmitted(3), [reply], 'once');
  reply.done = true;
  carrier.resend(reply, 9);
  t.is(carrier.pollTransmit(out, 9), 0);
});

/** A peer that sends and sends and never acknowledges anything. */
function deaf(t: ExecutionContext, acknowledge: boolean): void {
  const { carrier } = pipeWith().left;
  carrier.enqueue(message(0));
  let now = 1;
  for (let number = 0; number < 3000; number++) {
    now += 0.01;
    t.is(take(carrier, envelope({ number }), now), undefined);
    if (acknowledge) carrier.acknowledgeNow(now);
    carrier.handleTimeout(now);
    for (let sends = 0; carrier.pollTransmit(out, now) > 0; sends++) {
      carrier.transmitted(now);
      if (sends > 3) return t.fail('it sends without end');
    }
  }
  t.true(carrier.pollTimeout() > now, 'no timer is overdue for ever');
}

test('a peer that never acknowledges anything breaks nothing', (t) => {
  deaf(t, true);
  deaf(t, false);
});

test('a gap is told at once on a FIFO transport, and as usual elsewhere (P5.6)', (t) => {
  for (const fifo of [true, false]) {
    const { carrier } = new Pipe({ fates: () => [], traits: { fifo } }).left;
    t.is(take(carrier, envelope({ number: 0, floor: 0 }), 2), undefined);
    const delay = carrier.roundTrip.ackDelayMs;
    t.is(carrier.pollTimeout(), 2 + delay);
    t.is(take(carrier, envelope({ number: 2, floor: 0 }), 2.01), undefined);
    t.is(carrier.pollTimeout(), fifo ? 2.01 : 2 + delay);
    carrier.pollTransmit(out, 2 + delay);
    carrier.transmitted(2 + delay);
    t.is(carrier.pollTimeout(), Infinity);
  }
});

test('what is no news is acknowledged within a round trip, not sooner (P5.6)', (t) => {
  const { carrier } = pipeWith().left;
  t.is(carrier.accept(envelope({ number: 0 }), 0, 2), undefined);
  carrier.planAcknowledgement(false, 2);
  t.is(carrier.pollTimeout(), 2 + carrier.roundTrip.smoothedMs);
  carrier.planAcknowledgement(true, 2);
  t.is(carrier.pollTimeout(), 2 + carrier.roundTrip.ackDelayMs);
});

test('an overrun is told at once, but once a round trip at most (P5.6)', (t) => {
  const { carrier } = pipeWith().left;
  const told = (now: number): boolean => {
    carrier.handleOverrun(now);
    if (carrier.pollTransmit(out, now) === 0) return false;
    carrier.transmitted(now);
    return true;
  };
  const roundTrip = carrier.roundTrip.minimumMs;
  t.true(told(10));
  t.false(told(10 + 0.9 * roundTrip));
  t.true(told(10 + roundTrip));
});

test('numbers end before they are inexact (P5.1)', (t) => {
  const last = 2 ** 53 - 65_537;
  const { carrier } = new Pipe({ fates: () => [], firstNumber: last - 1 }).left;
  const accept = (number: number): DataRefusal | undefined =>
    carrier.accept(envelope({ number, ackBase: last - 1 }), 0, 2);
  t.is(accept(last + 1), 'bad-number');
  t.is(accept(last), undefined);
});

test('a message that is both due again and in a probe goes into the datagram once', (t) => {
  const { carrier } = pipeWith().left;
  const only = message(0);
  carrier.enqueue(only);
  carrier.pollTransmit(out, 1);
  carrier.transmitted(1);
  const at = carrier.pollTimeout();
  carrier.resend(only, at);
  carrier.handleTimeout(at);
  carrier.pollTransmit(out, at);
  t.deepEqual(carrier.transmitted(at), [only]);
});

test('P5.8: a probe takes no more with it than a datagram holds', (t) => {
  const pipe = new Pipe({ fates: losing(0) });
  // Two that fill a datagram each: the first is lost, the second comes when the probe is due.
  pipe.left.carrier.enqueue(message(0, 40_000));
  pipe.at(1 + 3.125, () => pipe.left.carrier.enqueue(message(1, 40_000)));
  pipe.run();
  t.deepEqual([...pipe.right.arrived].sort(), [0, 1]);
});
