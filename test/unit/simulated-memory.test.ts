import test from 'ava';
import { SeededRandom } from '../../core/random.ts';
import { Memory } from '../../transport/simulated/memory.ts';
import type { Allocation, MemoryOption } from '../../transport/simulated/memory.ts';

/** Asks every 0.1 ms of 10 s; which of the questions failed. */
function failures(option: MemoryOption, allocation: Allocation): boolean[] {
  const random = new SeededRandom(5);
  const memory = new Memory(option, 1, random.fork('spells'));
  return Array.from({ length: 100_000 }, (_, index) =>
    memory.fails(allocation, 1 + index / 10, random),
  );
}

function share(failed: readonly boolean[]): number {
  return failed.filter(Boolean).length / failed.length;
}

test('ample memory never fails', (t) => {
  t.is(share(failures('none', 'atomic')), 0);
});

test('atomic allocations fail more than others, and severe pressure more than moderate', (t) => {
  const shares = (['moderate', 'severe'] as const).map((option) => ({
    kernel: share(failures(option, 'kernel')),
    atomic: share(failures(option, 'atomic')),
  }));
  const [moderate, severe] = shares as [(typeof shares)[0], (typeof shares)[0]];
  t.true(moderate.kernel > 0);
  t.true(moderate.kernel < moderate.atomic);
  t.true(severe.kernel < severe.atomic);
  t.true(moderate.kernel < severe.kernel);
  t.true(moderate.atomic < severe.atomic);
});

test('failures come in spells of the length set', (t) => {
  const failed = failures({ ampleMs: 90, shortMs: 10, kernel: 1, atomic: 1 }, 'atomic');
  t.true(Math.abs(share(failed) - 0.1) < 0.02, `share ${share(failed)}`);
  const turns = failed.filter((now, index) => now && failed[index - 1] !== true).length;
  t.true(turns > 80 && turns < 120, `${turns} spells in 10 s`);
});

test('spells follow the clock, not who asks how often', (t) => {
  const option = { ampleMs: 20, shortMs: 10, kernel: 1, atomic: 1 };
  const random = new SeededRandom(5);
  const often = new Memory(option, 1, random.fork('spells'));
  const seldom = new Memory(option, 1, random.fork('spells'));
  for (let now = 1; now < 1000; now++) {
    const short = often.fails('atomic', now, random);
    if (now % 7 === 0) t.is(seldom.fails('kernel', now, random), short);
  }
});

test('pressure that makes no sense is misuse', (t) => {
  const bad = [
    { ampleMs: 0, shortMs: 1, kernel: 0, atomic: 0 },
    { ampleMs: 1, shortMs: -1, kernel: 0, atomic: 0 },
    { ampleMs: 1, shortMs: 1, kernel: 2, atomic: 0 },
    { ampleMs: 1, shortMs: 1, kernel: 0, atomic: NaN },
    'dire' as 'severe',
  ];
  for (const option of bad) {
    t.throws(() => new Memory(option, 1, new SeededRandom(1)), { code: 'invalid-argument' });
  }
});
