import test from 'ava';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { sleep } from '../../core/clock.ts';
import { SystemClock } from '../../core/system-clock.ts';

const run = promisify(execFile);
const clock = new SystemClock();

test.serial('no wait ends before its time, however short, and several wait at once', async (t) => {
  const waits = [0, 0.01, 0.04, 0.06, 0.2, 0.5, 1, 1.4, 1.6, 2.5];
  await Promise.all(waits.map(async (ms) => {
    for (let again = 0; again < 20; again++) {
      const began = clock.now();
      await sleep(clock, ms);
      t.true(clock.now() - began >= ms, `${ms} ms`);
    }
  }));
});

test.serial('a timer that was disarmed, or put off, does not fire', async (t) => {
  let fired = 0;
  const [off, late] = [clock.timer(() => fired++), clock.timer(() => fired++)];
  off.arm(clock.now() + 0.2);
  late.arm(clock.now() + 0.2);
  off.disarm();
  late.arm(clock.now() + 1e6);
  await sleep(clock, 1);
  t.is(fired, 0);
  late.disarm();
});

test.serial('to be put off again and again sets few timeouts', async (t) => {
  const set = globalThis.setTimeout;
  let timeouts = 0;
  let fired = 0;
  globalThis.setTimeout = ((...args: Parameters<typeof set>) => {
    timeouts += 1;
    return set(...args);
  }) as typeof set;
  t.teardown(() => {
    globalThis.setTimeout = set;
  });
  const timer = clock.timer(() => fired++);
  // Until the thread is up each wait has its timeout, and a busy machine may be late with anything.
  for (let window = 0; window < 200; window++) {
    timeouts = 0;
    fired = 0;
    const end = clock.now() + 50;
    while (clock.now() < end) {
      timer.arm(clock.now() + 0.9);
      await new Promise((resolve) => setImmediate(resolve));
    }
    if (timeouts <= 5 + 2 * fired) break;
  }
  timer.disarm();
  t.true(timeouts <= 5 + 2 * fired, `${timeouts}, and ${fired} times nobody put it off`);
});

test.serial('a short wait keeps its process alive, and what sleeps it does not', async (t) => {
  const main = new URL('../../core/system-clock.js', import.meta.url).href;
  const script = `import { SystemClock } from '${main}';
    const clock = new SystemClock();
    let left = 200;
    const timer = clock.timer(() => {
      left -= 1;
      if (left === 0) console.log('fired');
      else timer.arm(clock.now() + 0.7);
    });
    timer.arm(clock.now() + 0.7);`;
  const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', script]);
  t.is(stdout, 'fired\n', 'before and after the thread is up');
});

test.serial('a timer put off, or moved forward, fires at its new time, not before', async (t) => {
  for (let again = 0; again < 50; again++) {
    const began = clock.now();
    let firedAt = 0;
    await new Promise<void>((resolve) => {
      const timer = clock.timer(() => {
        firedAt = clock.now();
        resolve();
      });
      timer.arm(began + 0.3);
      timer.arm(began + 0.9);
      timer.arm(began + 1.2);
      if (again % 2 === 1) timer.arm(began + 0.6);
    });
    t.true(firedAt - began >= (again % 2 === 1 ? 0.6 : 1.2));
  }
});
