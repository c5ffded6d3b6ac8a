import test from 'ava';
import fc from 'fast-check';
import { resolveLimits } from '../../core/limits.ts';
import { RetryBudget } from '../../sessions/retry-budget.ts';

/** Calls that ran, and repeats that are asked for, in turns. */
const turns = fc.array(fc.record({ ran: fc.nat(40), asked: fc.nat(6) }), { maxLength: 30 });

test('repeats in any stretch are at most the budget and a tenth of what ran (P6.13)', (t) => {
  fc.assert(
    fc.property(turns, fc.integer({ min: 1, max: 10 }), (story, repeatsMax) => {
      const budget = new RetryBudget(resolveLimits({ repeatsMax }));
      // The same bucket in fractions: rounded to tenths, so that sums are what they look like.
      let left = repeatsMax;
      for (const { ran, asked } of story) {
        for (let run = 0; run < ran; run++) budget.replenish();
        left = Math.round(10 * Math.min(repeatsMax, left + ran / 10)) / 10;
        for (let ask = 0; ask < asked; ask++) {
          const granted = budget.take('unknown', 1);
          if (granted !== left >= 1) throw new Error(`${granted} with ${left} left`);
          if (granted) left = Math.round(10 * (left - 1)) / 10;
        }
      }
    }),
  );
  t.pass();
});

test('what no handler saw is free once, what no server saw always (P6.13)', (t) => {
  const budget = new RetryBudget(resolveLimits({ repeatsMax: 1, repeatsPerCallMax: 2 }));
  for (let time = 0; time < 20; time++) t.true(budget.take('not-sent', time));
  for (let time = 0; time < 20; time++) t.true(budget.take('not-executed', 1));
  t.false(budget.take('unknown', 3), 'it was repeated twice');
  t.true(budget.take('not-executed', 3), 'it was not the call that ended its server');
  t.false(budget.take('not-executed', 2));
  t.false(budget.take('unknown', 1));
  for (let run = 0; run < 10; run++) budget.replenish();
  t.true(budget.take('unknown', 2));
});
