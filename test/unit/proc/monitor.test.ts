import test from 'ava';
import { FakeDriver, type DriverOptions } from './fake-driver.ts';

const calm: DriverOptions = { cpus: 2, slots: 100, modern: true, listeners: 0, queueMax: 1000 };

function opened(options: Partial<DriverOptions> = {}): FakeDriver {
  const driver = new FakeDriver({ ...calm, ...options });
  driver.until(() => driver.monitor.ready);
  for (const pid of driver.monitor.processes.keys()) driver.picture.add(pid);
  return driver;
}

function settled(driver: FakeDriver): boolean {
  driver.monitor.settle(driver.now);
  const quiet = driver.until(() => !driver.monitor.settling) && driver.monitor.settled;
  driver.consume();
  return quiet;
}

test('what happens is told as it happens', (t) => {
  const driver = opened();
  const { kernel } = driver;
  const pid = kernel.fork(1, 0);
  kernel.exec(pid, 'ls', 1);
  kernel.exit(pid, 0);
  driver.read();
  driver.consume();
  t.deepEqual(driver.events.map(({ kind }) => kind), ['fork', 'exec', 'exit']);
  t.true(settled(driver));
  t.is(driver.monitor.stats.recovered, 0);
  t.is(driver.monitor.stats.looks, 1);
});

test('the end of a storm that nobody could read is found out, and counted exactly', (t) => {
  const driver = opened({ slots: 2 });
  const { kernel } = driver;
  const short = kernel.fork(1, 0);
  driver.read();
  for (let at = 0; at < 500; at++) kernel.exit(kernel.fork(1, at % 2), (at + 1) % 2);
  const long = kernel.fork(1, 1);
  kernel.exec(long, 'daemon', 0);
  kernel.exit(short, 0);
  t.true(settled(driver));
  t.deepEqual(driver.picture, new Set([1, long]));
  const { lostQueue, missing, lostMemory } = driver.monitor.stats;
  t.is(lostQueue, kernel.drops);
  t.is(missing, kernel.drops);
  t.is(lostMemory, 0);
  t.is(driver.lost('queue'), kernel.drops);
  const recovered = driver.events.filter((event) => 'recovered' in event && event.recovered);
  t.deepEqual(recovered.map((event) => [event.kind, 'pid' in event && event.pid]), [
    ['exit', short], ['fork', long], ['exec', long],
  ]);
  t.is(driver.events.at(-1)?.kind, 'restored');
});

test('the drop counter has 32 bits, what was lost has more', (t) => {
  const driver = opened();
  driver.kernel.drops += 0xffff_fff0;
  driver.read();
  driver.kernel.drops += 0x20;
  t.true(settled(driver));
  t.is(driver.monitor.stats.lostQueue, 2 ** 32 + 0x10);
  t.is(driver.lost('queue'), 2 ** 32 + 0x10);
});

test('when a pid is given to another, the end of the one before was lost', (t) => {
  const driver = opened({ slots: 2 });
  const { kernel } = driver;
  const pid = kernel.fork(1, 0);
  driver.read();
  kernel.fork(1, 0);
  kernel.fork(1, 0);
  kernel.exit(pid, 0);
  kernel.nowMs += 200;
  driver.read();
  t.is(kernel.fork(1, 0), pid);
  driver.read();
  driver.consume();
  const told = driver.events.filter((event) => 'pid' in event && event.pid === pid);
  t.deepEqual(told.map((event) => [event.kind, 'recovered' in event && event.recovered]), [
    ['fork', false], ['exit', true], ['fork', false],
  ]);
});

test('what the kernel had no memory for shows in its numbers alone, and is found out', (t) => {
  const driver = opened();
  const { kernel } = driver;
  kernel.outOfMemory = true;
  const pid = kernel.fork(1, 1);
  kernel.outOfMemory = false;
  t.true(driver.until(() => driver.monitor.stats.lostMemory > 0), 'without any further event');
  t.true(settled(driver));
  t.is(driver.monitor.stats.lostMemory, kernel.unqueued);
  t.is(driver.lost('memory'), 1);
  t.is(driver.monitor.stats.missing, kernel.drops + kernel.unqueued);
  t.true(driver.picture.has(pid));
});

test('who mutes the kernel is noticed within two probe intervals, and made good', (t) => {
  const driver = opened();
  const { kernel, monitor } = driver;
  driver.run(2345);
  kernel.listeners -= 40;
  const since = driver.now;
  const pid = kernel.fork(1, 0);
  t.true(driver.until(() => kernel.listeners > 0));
  t.true(driver.now - since <= 2000, `${driver.now - since} ms`);
  t.is(monitor.stats.mutes, 1);
  t.true(settled(driver));
  t.true(driver.picture.has(pid));
  t.is(driver.lost('muted'), 1);
  t.is(kernel.listeners, 1, 'no more listeners are added than were missing');
  const after = kernel.fork(1, 0);
  driver.read();
  driver.consume();
  t.true(driver.picture.has(after));
});

test('what was done while the kernel was muted is found out after it', (t) => {
  const driver = opened();
  const { kernel, monitor } = driver;
  kernel.listeners -= 3000;
  t.true(driver.until(() => monitor.stats.looks === 2), 'the look when it was noticed');
  driver.turn();
  driver.turn();
  t.true(kernel.listeners < 1, 'still muted');
  const pid = kernel.fork(1, 0);
  t.true(driver.until(() => kernel.listeners > 0));
  t.true(settled(driver));
  t.true(driver.picture.has(pid));
  t.is(driver.events.at(-1)?.kind, 'restored');
});

test('a mute is noticed behind a filter that hides the answers, too', (t) => {
  const driver = opened({ kinds: ['exec'], repair: false });
  const { kernel } = driver;
  driver.run(2345);
  t.is(driver.monitor.stats.mutes, 0);
  kernel.listeners -= 40;
  const since = driver.now;
  t.true(driver.until(() => kernel.listeners > 0));
  t.true(driver.now - since <= 2000, `${driver.now - since} ms`);
  driver.consume();
  t.is(driver.lost('muted'), 1);
  const pid = kernel.fork(1, 0);
  kernel.exec(pid, 'ls', 0);
  driver.read();
  driver.consume();
  t.deepEqual(driver.events.slice(1).map(({ kind }) => kind), ['exec']);
});

for (const listeners of [-30, 0, 5]) {
  for (const modern of [true, false]) {
    for (const filter of [false, true]) {
      const what = `${modern ? 'a modern' : 'an old'} kernel with ${listeners} listeners`;
      test(`${what} is heard ${filter ? 'with a filter' : ''}`, (t) => {
        const wanted = filter ? { kinds: ['exec'] as const, repair: false } : {};
        const driver = opened({ listeners, modern, ...wanted });
        t.true(driver.monitor.ready);
        t.is(driver.monitor.filtering, modern && filter);
        t.is(driver.monitor.stats.mutes, 0, 'who comes late was not muted');
        const pid = driver.kernel.fork(1, 0);
        driver.kernel.exec(pid, 'ls', 0);
        t.true(settled(driver));
        t.deepEqual(driver.events.map(({ kind }) => kind).filter((kind) => kind === 'exec'), [
          'exec',
        ]);
      });
    }
  }
}

test('a kernel that never answers is given up', (t) => {
  const driver = new FakeDriver({ ...calm, listeners: -1_000_000 });
  t.true(driver.until(() => driver.monitor.refusal !== undefined));
  t.is(driver.monitor.refusal, 'silence');
});

test('without forks, execs and exits losses are counted and nothing is looked up', (t) => {
  const driver = opened({ kinds: ['nonzero-exit', 'uid'] });
  driver.kernel.drops += 3;
  t.true(settled(driver));
  t.is(driver.lost('queue'), 3);
  t.is(driver.monitor.stats.looks, 0);
  t.is(driver.events.length, 1);
});

test('a consumer that is too slow is told what it missed when it comes', (t) => {
  const driver = opened({ queueMax: 10 });
  const { kernel } = driver;
  const [ends, execs] = [kernel.fork(1, 0), kernel.fork(1, 0)];
  driver.read();
  for (let at = 0; at < 50; at++) {
    kernel.exit(kernel.fork(1, 0), 0);
    driver.read();
  }
  kernel.exit(ends, 0);
  kernel.exec(execs, 'new', 0);
  const starts = kernel.fork(1, 0);
  driver.read();
  driver.consume();
  t.deepEqual(driver.picture, new Set(kernel.living.keys()));
  t.is(driver.lost('consumer'), 2 + 100 + 3 - 10);
  t.is(driver.monitor.stats.lostConsumer, driver.lost('consumer'));
  t.deepEqual(
    driver.events.slice(11).map((event) => [event.kind, 'pid' in event && event.pid]),
    [['exit', ends], ['exec', execs], ['fork', starts], ['restored', false]],
  );
  t.is(driver.monitor.stats.looks, 1, 'nothing was looked up for it');
});

test('while losses do not cease, looks take a fifth of the time only', (t) => {
  const driver = opened({ slots: 2 });
  for (let at = 0; at < 297; at++) driver.kernel.fork(1, 0);
  for (let at = 0; at < 10_000; at++) {
    driver.kernel.drops += 1;
    driver.turn();
    driver.kernel.nowMs += 1;
  }
  // Three processes a millisecond, so each look takes a tenth of a second.
  const { looks } = driver.monitor.stats;
  t.true(looks > 10 && looks <= 10_000 / 500 + 2, `${looks} looks`);
});

test('what is not wanted is not made up either', (t) => {
  const driver = opened({ queueMax: 4, kinds: ['exec'], slots: 2 });
  const { kernel } = driver;
  for (let at = 0; at < 20; at++) {
    kernel.exec(kernel.fork(1, 0), `program-${at}`, 0);
    if (at % 3 > 0) driver.read();
  }
  t.true(settled(driver));
  const kinds = new Set(driver.events.map(({ kind }) => kind));
  t.deepEqual(kinds, new Set(['exec', 'lost', 'restored']));
  t.true(driver.monitor.stats.recovered > 0);
});

test('a quiet watch asks once in a probe interval', (t) => {
  const driver = opened();
  driver.run(500);
  const { sent } = driver;
  driver.run(10_000);
  t.is(driver.sent - sent, 10);
});
