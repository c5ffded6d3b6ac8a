import test from 'ava';
import { VirtualClock } from '../../../core/virtual-clock.ts';
import { Wakeup } from '../../../sessions/wakeup.ts';

/** A wakeup over a transport that looks when it is told to, and when it rang, in ms from 1. */
function stand(): {
  clock: VirtualClock;
  transport: { looking: boolean };
  wakeup: Wakeup;
  woken: number[];
} {
  const clock = new VirtualClock();
  const transport = { looking: false };
  const woken: number[] = [];
  const wakeup = new Wakeup(clock, transport, () => woken.push(clock.now() - 1));
  return { clock, transport, wakeup, woken };
}

test('without looks a timer wakes, once, at the time set last', async (t) => {
  const { clock, wakeup, woken } = stand();
  wakeup.set(11);
  wakeup.set(6);
  await clock.advance(20);
  t.deepEqual(woken, [5]);
  wakeup.set(41);
  wakeup.set(Infinity);
  await clock.advance(100);
  t.deepEqual(woken, [5]);
});

test('while the transport looks no timer is armed, and a look wakes', async (t) => {
  const { clock, transport, wakeup, woken } = stand();
  transport.looking = true;
  wakeup.set(6);
  t.is(clock.pending, 0);
  await clock.advance(4);
  wakeup.handleLook();
  t.deepEqual(woken, []);
  await clock.advance(3);
  t.deepEqual(woken, []);
  wakeup.handleLook();
  t.deepEqual(woken, [7]);
  wakeup.handleLook();
  t.deepEqual(woken, [7]);
});

test('with the last look the timer takes over', async (t) => {
  const { clock, transport, wakeup, woken } = stand();
  transport.looking = true;
  wakeup.set(6);
  transport.looking = false;
  wakeup.handleLook();
  await clock.advance(10);
  t.deepEqual(woken, [5]);
});

test('a timer armed before looks began does not wake for a time put off meanwhile', async (t) => {
  const { clock, transport, wakeup, woken } = stand();
  wakeup.set(6);
  transport.looking = true;
  wakeup.set(9);
  await clock.advance(6);
  t.deepEqual(woken, []);
  transport.looking = false;
  wakeup.handleLook();
  await clock.advance(6);
  t.deepEqual(woken, [8]);
  wakeup.set(21);
  await clock.advance(20);
  t.deepEqual(woken, [8, 20]);
});

test('what was taken back while the transport looked wakes nobody', async (t) => {
  const { clock, transport, wakeup, woken } = stand();
  wakeup.set(6);
  transport.looking = true;
  wakeup.set(Infinity);
  await clock.advance(3);
  transport.looking = false;
  wakeup.handleLook();
  wakeup.set(4 + 5);
  wakeup.disarm();
  await clock.advance(20);
  t.deepEqual(woken, []);
  t.is(clock.pending, 0);
});
