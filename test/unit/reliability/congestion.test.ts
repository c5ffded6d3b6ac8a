import test from 'ava';
import { Congestion } from '../../../reliability/congestion.ts';
import { RoundTrip } from '../../../reliability/rtt.ts';
import { TRUESIZE_MIN } from '../../../transport/truesize.ts';

const GRANT = 1_000_000;
const PER_MS = 20_000;

/** A path whose shortest round trip is 1 ms, and the samples that follow, one each step. */
function measured(
  samples: readonly number[],
  stepMs = 0.1,
): { congestion: Congestion; now: number } {
  const roundTrip = new RoundTrip(1, 0.005);
  const congestion = new Congestion(roundTrip);
  let now = 1;
  for (const sample of [1, ...samples]) {
    roundTrip.sample(sample, 0);
    congestion.measured(sample, PER_MS, now);
    now += stepMs;
  }
  return { congestion, now };
}

const standing = new Array<number>(100).fill(4);

test('P5.12: losses while a queue stands limit what is outstanding to what the path holds', (t) => {
  const { congestion, now } = measured(standing);
  t.is(congestion.limit, Infinity, 'a queue alone changes nothing');
  congestion.lost(now);
  t.true(Math.abs(congestion.limit - 1.5 * PER_MS) < 1e-6, `${congestion.limit}`);
});

test('P5.12: losses change nothing where some round trips are short', (t) => {
  for (const samples of [
    new Array<number>(100).fill(1),
    standing.map((ms, at) => (at % 9 ? ms : 1)),
  ]) {
    const { congestion, now } = measured(samples);
    congestion.lost(now);
    t.is(congestion.limit, Infinity);
  }
});

test('P5.12: a few long round trips may be chance', (t) => {
  const { congestion, now } = measured(
    [...new Array<number>(17).fill(1), ...standing.slice(0, 15)],
    5,
  );
  congestion.lost(now);
  t.is(congestion.limit, Infinity);
});

test('P5.12: once in a round trip is enough, and four small datagrams always may go', (t) => {
  const { congestion, now } = measured(standing);
  congestion.lost(now);
  congestion.grow(10_000, GRANT);
  const grown = congestion.limit;
  congestion.lost(now + 1);
  t.is(congestion.limit, grown);
  congestion.lost(now + 5);
  t.true(congestion.limit < grown);
  const slow = new RoundTrip(1, 0.005);
  const tiny = new Congestion(slow);
  for (const sample of [1, ...standing]) {
    slow.sample(sample, 0);
    tiny.measured(sample, 1, 1);
  }
  tiny.measured(4, 1, 100);
  for (let times = 0; times < 40; times++) tiny.measured(4, 1, 200 + times);
  tiny.lost(300);
  t.is(tiny.limit, 4 * TRUESIZE_MIN);
});

test('P5.12: the limit grows slowly over a queue, doubles without, and ends at the grant', (t) => {
  const { congestion, now } = measured(standing);
  congestion.lost(now);
  const { limit } = congestion;
  congestion.grow(limit, GRANT);
  t.true(Math.abs(congestion.limit - limit - TRUESIZE_MIN) < 1e-6);
  for (let at = 0; at < 40; at++) congestion.measured(1, PER_MS, now + at);
  const before = congestion.limit;
  congestion.grow(before, GRANT);
  t.is(congestion.limit, 2 * before);
  congestion.grow(GRANT, GRANT);
  t.is(congestion.limit, Infinity);
});
