import test from 'ava';
import fc from 'fast-check';
import { RoundTrip } from '../../../reliability/rtt.ts';

const HINT = 8;
const GRAIN = 0.1;
/** Of the round trip, for which an acknowledgement may be kept back. */
const SHARE = 1 / 8;

function sampled(...samples: number[]): RoundTrip {
  const roundTrip = new RoundTrip(HINT, GRAIN);
  for (const elapsed of samples) roundTrip.sample(elapsed, 0);
  return roundTrip;
}

test('before the first sample the hint of the transport counts', (t) => {
  const roundTrip = sampled();
  t.false(roundTrip.sampled);
  t.is(roundTrip.smoothedMs, HINT);
  t.is(roundTrip.minimumMs, HINT);
  t.is(roundTrip.ackDelayMs, HINT * SHARE);
  t.is(roundTrip.probeMs, HINT + 4 * (HINT / 2) + HINT * SHARE);
});

test('the first sample replaces the hint (RFC 9002 §5.3)', (t) => {
  const roundTrip = sampled(2);
  t.true(roundTrip.sampled);
  t.is(roundTrip.smoothedMs, 2);
  t.is(roundTrip.minimumMs, 2);
  t.is(roundTrip.probeMs, 2 + 4 * 1 + 2 * SHARE);
});

test('later samples move mean and variation by an eighth and a quarter', (t) => {
  const roundTrip = sampled(4, 8);
  t.is(roundTrip.smoothedMs, (7 * 4 + 8) / 8);
  t.is(roundTrip.minimumMs, 4);
  const variation = (3 * 2 + Math.abs(4 - 8)) / 4;
  t.is(roundTrip.probeMs, 4.5 + 4 * variation + 4.5 * SHARE);
});

test('the time that the peer kept the acknowledgement is taken off, within reason', (t) => {
  const roundTrip = sampled(4);
  roundTrip.sample(10, 5);
  t.is(roundTrip.smoothedMs, (7 * 4 + 5) / 8);
  const liar = sampled(4);
  liar.sample(10, 4_294_967);
  t.is(liar.smoothedMs, 4, 'a peer that overstates its delay pulls nothing down');
  t.is(liar.minimumMs, 4);
});

test('a steady path ends with the grain of the clock as the only margin', (t) => {
  const roundTrip = sampled(...new Array<number>(200).fill(0.05));
  const expected = 0.05 + GRAIN + GRAIN;
  t.true(Math.abs(roundTrip.probeMs - expected) < 1e-6);
  t.is(roundTrip.ackDelayMs, GRAIN);
});

test('an acknowledgement waits 25 ms at most, whatever the round trip', (t) => {
  t.is(sampled(10_000).ackDelayMs, 25);
});

test('whatever is sampled, the estimates stay finite, ordered and positive', (t) => {
  const elapsed = fc.double({ min: 0, max: 1e7, noNaN: true });
  const delay = fc.double({ min: 0, max: 4_294_968, noNaN: true });
  fc.assert(
    fc.property(fc.array(fc.tuple(elapsed, delay), { minLength: 1 }), (samples) => {
      const roundTrip = new RoundTrip(HINT, GRAIN);
      for (const [ms, delayMs] of samples) {
        roundTrip.sample(ms, delayMs);
        const { smoothedMs, minimumMs, probeMs, ackDelayMs } = roundTrip;
        if (!Number.isFinite(probeMs) || minimumMs < 0) return false;
        if (smoothedMs < minimumMs - 1e-6 || probeMs < smoothedMs + GRAIN) return false;
        if (ackDelayMs < GRAIN || ackDelayMs > 25) return false;
      }
      return roundTrip.minimumMs === Math.min(...samples.map(([ms]) => ms));
    }),
  );
  t.pass();
});
