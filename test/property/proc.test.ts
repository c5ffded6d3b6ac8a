import test from 'ava';
import fc from 'fast-check';
import { FakeDriver } from '../unit/proc/fake-driver.ts';
import type { FakeKernel } from '../unit/proc/fake-kernel.ts';

// Whatever happens and whatever is lost, in the end the consumer knows who lives, and every count
// is right.

type Step = (driver: FakeDriver) => void;

const cpu = fc.nat(2);

function anybody(kernel: FakeKernel, pick: number): number | undefined {
  const pids = [...kernel.living.keys()].filter((pid) => pid !== 1);
  return pids[pick % pids.length];
}

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(fc.nat(), cpu, fc.boolean()).map(
    ([pick, on, late]): Step => ({ kernel }) => {
      kernel.fork(anybody(kernel, pick) ?? 1, on, late);
    },
  ) },
  { weight: 4, arbitrary: fc.tuple(fc.nat(), cpu, fc.boolean()).map(
    ([pick, on, late]): Step => ({ kernel }) => {
      const pid = anybody(kernel, pick);
      kernel.catchUp(); // nobody's end is reported before his beginning
      if (pid !== undefined) kernel.exit(pid, on, late);
    },
  ) },
  { weight: 2, arbitrary: fc.tuple(fc.nat(), cpu).map(
    ([pick, on]): Step => ({ kernel }) => {
      const pid = anybody(kernel, pick);
      if (pid !== undefined) kernel.exec(pid, `program-${pick}`, on);
    },
  ) },
  { weight: 2, arbitrary: fc.tuple(fc.integer({ min: 1, max: 60 }), cpu).map(
    ([count, on]): Step => ({ kernel }) => {
      for (let at = 0; at < count; at++) kernel.exit(kernel.fork(1, on), (on + at) % 3);
    },
  ) },
  { weight: 1, arbitrary: fc.nat(3).map(
    (lost): Step => ({ kernel }) => {
      kernel.outOfMemory = true;
      for (let at = 0; at < lost; at++) kernel.fork(1, at % 3);
      kernel.outOfMemory = false;
    },
  ) },
  { weight: 1, arbitrary: fc.nat(5).map((count): Step => ({ kernel }) => {
    kernel.listeners -= count;
  }) },
  { weight: 2, arbitrary: fc.constant<Step>(({ kernel }) => kernel.catchUp()) },
  { weight: 4, arbitrary: fc.nat(10).map((most): Step => (driver) => driver.read(most)) },
  { weight: 8, arbitrary: fc.integer({ min: 1, max: 40 }).map(
    (ms): Step => (driver) => driver.run(ms),
  ) },
  { weight: 1, arbitrary: fc.integer({ min: 500, max: 2000 }).map(
    (ms): Step => (driver) => driver.run(ms),
  ) },
  { weight: 4, arbitrary: fc.nat(20).map((most): Step => (driver) => driver.consume(most)) },
);

const worlds = fc.record({
  slots: fc.integer({ min: 2, max: 40 }),
  queueMax: fc.oneof(fc.integer({ min: 1, max: 20 }), fc.constant(10_000)),
  modern: fc.boolean(),
  listeners: fc.integer({ min: -3, max: 3 }),
  steps: fc.array(step, { maxLength: 120 }),
});

type World = typeof worlds extends fc.Arbitrary<infer T> ? T : never;

test('the consumer knows who lives, and how much was lost, whatever was lost', (t) => {
  const verdict = ({ steps, ...options }: World): string | undefined => {
    const driver = new FakeDriver({ ...options, cpus: 3 });
    const { kernel, monitor } = driver;
    if (!driver.until(() => monitor.ready)) return 'it does not get ready';
    for (const pid of monitor.processes.keys()) driver.picture.add(pid);
    for (const each of steps) each(driver);
    kernel.catchUp();
    driver.run(4000); // to notice that it is muted, if it is
    monitor.settle(driver.now);
    if (!driver.until(() => !monitor.settling)) return 'it does not settle';
    driver.consume();
    const { stats } = monitor;
    const { lostQueue, lostMemory, missing, lostConsumer } = stats;
    const known = [...driver.picture].sort().join();
    const living = [...kernel.living.keys()].sort().join();
    if (known !== living) return `knows ${known}, and there live ${living}`;
    if (lostQueue !== kernel.drops) return `${lostQueue} lost, ${kernel.drops} dropped`;
    if (missing !== lostQueue + lostMemory) return `${missing} missing, not explained`;
    if (driver.lost('consumer') !== lostConsumer) return 'the consumer was told another number';
    return undefined;
  };
  fc.assert(fc.property(worlds, (world) => {
    const wrong = verdict(world);
    if (wrong !== undefined) throw new Error(wrong);
  }), { numRuns: 300 });
  t.pass();
});
