import test from 'ava';
import fc from 'fast-check';
import { sleep } from '../../core/clock.ts';
import { VirtualClock } from '../../core/virtual-clock.ts';

test('time starts above zero and moves only when it is made to', async (t) => {
  const clock = new VirtualClock();
  const start = clock.now();
  t.true(start > 0);
  clock.at(start + 5, () => {});
  await new Promise((resolve) => setImmediate(resolve));
  t.is(clock.now(), start);
  await clock.advance(3);
  t.is(clock.now(), start + 3);
});

test('events fire in the order of time, then of scheduling', async (t) => {
  const someDelays = fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 60 });
  await fc.assert(
    fc.asyncProperty(someDelays, async (delays) => {
      const clock = new VirtualClock();
      const start = clock.now();
      const fired: (readonly [number, number])[] = [];
      delays.forEach((delay, index) => {
        clock.at(start + delay, () => fired.push([clock.now() - start, index]));
      });
      await clock.advance(20);
      const expected = delays
        .map((delay, index) => [delay, index] as const)
        .toSorted((left, right) => left[0] - right[0] || left[1] - right[1]);
      t.deepEqual(fired, expected);
      t.is(clock.pending, 0);
    }),
    { numRuns: 50 },
  );
});

test('an event in the past fires now, after those already due', async (t) => {
  const clock = new VirtualClock();
  const fired: string[] = [];
  clock.at(clock.now(), () => fired.push('due'));
  clock.at(clock.now() - 100, () => fired.push('past'));
  await clock.advance(0);
  t.deepEqual(fired, ['due', 'past']);
});

test('a disarmed timer does not fire, an armed one fires once', async (t) => {
  const clock = new VirtualClock();
  let fired = 0;
  const timer = clock.timer(() => {
    fired += 1;
  });
  timer.disarm();
  timer.arm(clock.now() + 5);
  t.is(clock.pending, 1);
  timer.disarm();
  timer.disarm();
  t.is(clock.pending, 0);
  await clock.advance(10);
  t.is(fired, 0);
  timer.arm(clock.now() + 5);
  await clock.advance(10);
  await clock.advance(10);
  t.is(fired, 1);
});

test('arming an armed timer moves it, both ways', async (t) => {
  const clock = new VirtualClock();
  const start = clock.now();
  const fired: number[] = [];
  const timer = clock.timer(() => fired.push(clock.now() - start));
  timer.arm(start + 5);
  timer.arm(start + 9);
  t.is(clock.pending, 1);
  await clock.advance(10);
  timer.arm(start + 30);
  timer.arm(start + 20);
  timer.arm(start + 20);
  t.is(clock.pending, 1);
  await clock.advance(30);
  t.deepEqual(fired, [9, 20]);
  t.is(clock.pending, 0);
});

test('a timer may arm itself again as it fires', async (t) => {
  const clock = new VirtualClock();
  let left = 5;
  const timer = clock.timer(() => {
    left -= 1;
    if (left > 0) timer.arm(clock.now() + 10);
  });
  timer.arm(clock.now());
  await clock.advance(39);
  t.is(left, 1);
  await clock.advance(1);
  t.is(left, 0);
});

test('promise reactions run between two instants', async (t) => {
  const clock = new VirtualClock();
  const log: string[] = [];
  clock.at(clock.now() + 1, () => {
    log.push('first');
    void Promise.resolve()
      .then(() => Promise.resolve())
      .then(() => log.push('reaction'));
  });
  clock.at(clock.now() + 2, () => log.push('second'));
  await clock.advance(5);
  t.deepEqual(log, ['first', 'reaction', 'second']);
});

test('run gives the result of the promise, as soon as it has one', async (t) => {
  const clock = new VirtualClock();
  const start = clock.now();
  const nap = async (): Promise<string> => {
    await sleep(clock, 10);
    await sleep(clock, 32);
    return 'rested';
  };
  clock.at(start + 1000, () => t.fail('run went on after the promise settled'));
  t.is(await clock.run(nap()), 'rested');
  t.is(clock.now(), start + 42);
});

test('run passes a rejection on', async (t) => {
  const clock = new VirtualClock();
  const fail = async (): Promise<void> => {
    await sleep(clock, 1);
    throw new Error('as planned');
  };
  await t.throwsAsync(clock.run(fail()), { message: 'as planned' });
});

test('run fails at once when nothing can settle the promise any more', async (t) => {
  const clock = new VirtualClock();
  clock.at(clock.now() + 5, () => {});
  const timer = clock.timer(() => {});
  timer.arm(clock.now() + 7);
  timer.disarm();
  await t.throwsAsync(clock.run(new Promise(() => {})), { message: /no event is left/ });
});

test('run fails when the virtual time allowed is over', async (t) => {
  const clock = new VirtualClock();
  const timer = clock.timer(() => timer.arm(clock.now() + 10));
  timer.arm(clock.now());
  const start = clock.now();
  await t.throwsAsync(clock.run(new Promise(() => {}), 1000), { message: /still open after 1000/ });
  t.true(clock.now() <= start + 1000);
});

test('sleep ends at once when its signal aborts', async (t) => {
  const clock = new VirtualClock();
  const controller = new AbortController();
  const start = clock.now();
  const napping = sleep(clock, 1000, controller.signal);
  clock.at(start + 3, () => controller.abort(new Error('wake up')));
  await t.throwsAsync(clock.run(napping), { message: 'wake up' });
  t.is(clock.now(), start + 3);
  t.is(clock.pending, 0);
  await t.throwsAsync(sleep(clock, 1, controller.signal), { message: 'wake up' });
});
