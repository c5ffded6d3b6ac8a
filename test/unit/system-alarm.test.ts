import test from 'ava';
import { performance } from 'node:perf_hooks';
import { Alarm, type Waiter } from '../../core/system-alarm.ts';

/** Rings are compared with this: whatever the machine is busy with, it is long for a ring. */
const FAR_MS = 60_000;

const alarm = new Alarm();

class Noted implements Waiter {
  alarmAt = Infinity;
  readonly rung: number[] = [];
  readonly first: Promise<void>;
  #resolve: (() => void) | undefined;

  constructor() {
    this.first = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  ring(): void {
    this.rung.push(performance.now());
    this.#resolve?.();
  }
}

/** Turns the event loop, which the alarm alone does not keep alive, until something is so. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setImmediate(resolve));
}

test.before(() => until(() => alarm.up));

test.serial('each rings once, at its own time, and whoever was taken out does not', async (t) => {
  const [out, early, late] = [new Noted(), new Noted(), new Noted()];
  const now = performance.now();
  alarm.set(out, now + 0.2);
  alarm.set(late, now + 50);
  alarm.set(early, now + 1);
  alarm.set(out, Infinity);
  await until(() => late.rung.length > 0);
  t.true(early.rung[0]! >= now + 1);
  t.true(late.rung[0]! >= now + 50);
  t.deepEqual([out, early, late].map(({ rung }) => rung.length), [0, 1, 1]);
  t.deepEqual([out, early, late].map(({ alarmAt }) => alarmAt), [Infinity, Infinity, Infinity]);
});

test.serial('the first put off behind the second rings at its new time', async (t) => {
  const [first, second] = [new Noted(), new Noted()];
  const now = performance.now();
  alarm.set(first, now + 0.5);
  alarm.set(second, now + 1);
  alarm.set(first, now + 2);
  await until(() => first.rung.length > 0 && second.rung.length > 0);
  t.true(second.rung[0]! >= now + 1);
  t.true(first.rung[0]! >= now + 2);
});

test.serial('a time moved forward wakes the thread, which slept for a later one', async (t) => {
  const sleeper = new Noted();
  for (let again = 0; again < 20; again++) {
    const now = performance.now();
    alarm.set(sleeper, now + FAR_MS);
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    alarm.set(sleeper, performance.now() + 0.3);
    await until(() => sleeper.rung.length > again || performance.now() > now + FAR_MS / 20);
    t.is(sleeper.rung.length, again + 1);
  }
});
