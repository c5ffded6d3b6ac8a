import test from 'ava';
import { trendOf } from '../../../bench/macro/trend.ts';

// What the soak is judged by.

test('a line through values gives what they grow by, and how sure that is', (t) => {
  const steady = trendOf([5, 6, 7, 8, 9]);
  t.deepEqual(steady, { mean: 7, growth: 4, error: 0 });
  const noise = trendOf([10, 12, 10, 12, 10, 12, 10, 12]);
  t.true(noise.growth < 2 * noise.error, `${noise.growth} ± ${noise.error}`);
  const grows = trendOf([10, 12, 12, 14, 14, 16, 16, 18]);
  t.true(grows.growth > 6 && grows.growth > 2 * grows.error, `${grows.growth} ± ${grows.error}`);
});
