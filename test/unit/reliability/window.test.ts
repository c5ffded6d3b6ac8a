import test from 'ava';
import fc from 'fast-check';
import { Window } from '../../../reliability/window.ts';
import { TRUESIZE_MIN } from '../../../transport/truesize.ts';

const GRANT = 100_000;

test('what is granted may be outstanding, and no more', (t) => {
  const window = new Window(GRANT);
  t.is(window.available(0), GRANT);
  t.is(window.available(30_000), GRANT - 30_000);
  t.is(window.available(GRANT + 1), -1);
  window.setGrant(50_000);
  t.is(window.grant, 50_000);
  t.is(window.available(60_000), -10_000);
});

test('a grant of nothing still lets the smallest datagram go', (t) => {
  const window = new Window(GRANT);
  window.setGrant(0);
  t.is(window.available(0), TRUESIZE_MIN);
});

test('a full queue takes 30 % off what was outstanding, down to one datagram (P5.9)', (t) => {
  const window = new Window(GRANT);
  window.decrease(10_000);
  t.is(window.available(0), 7_000);
  window.decrease(90_000);
  t.is(window.available(0), 4_900, 'never up: the limit counts, not what slipped out before');
  for (let times = 0; times < 50; times++) window.decrease(0);
  t.is(window.available(0), TRUESIZE_MIN);
});

test('acknowledgements open the window by one small datagram per windowful', (t) => {
  const window = new Window(GRANT);
  window.decrease(20_000);
  t.is(window.available(0), 14_000);
  window.increase(14_000);
  t.is(window.available(0), 14_000 + TRUESIZE_MIN);
});

test('a window that has grown to the grant follows the grant again', (t) => {
  const window = new Window(GRANT);
  window.decrease(GRANT);
  while (window.available(0) < GRANT) window.increase(10_000);
  t.is(window.available(0), GRANT);
  window.setGrant(2 * GRANT);
  t.is(window.available(0), 2 * GRANT);
});

test('an acknowledgement opens nothing that was never closed', (t) => {
  const window = new Window(GRANT);
  window.increase(50_000);
  t.is(window.available(0), GRANT);
});

test('no history makes the window larger than the grant or smaller than a datagram', (t) => {
  const step = fc.record({
    kind: fc.constantFrom('grant', 'decrease', 'increase'),
    value: fc.integer({ min: 0, max: 0xffff_ffff }),
  });
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const window = new Window(GRANT);
      for (const { kind, value } of steps) {
        if (kind === 'grant') window.setGrant(value);
        else if (kind === 'decrease') window.decrease(value);
        else window.increase(value);
        const available = window.available(0);
        if (!(available >= TRUESIZE_MIN && available <= window.grant)) return false;
      }
      return true;
    }),
  );
  t.pass();
});
