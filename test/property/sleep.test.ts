import test from 'ava';
import fc from 'fast-check';
import { Congestion } from '../../reliability/congestion.ts';
import { Flight } from '../../reliability/flight.ts';
import { Kept } from '../../reliability/kept.ts';
import { Outgoing } from '../../reliability/outgoing.ts';
import { Received } from '../../reliability/received.ts';
import { RoundTrip } from '../../reliability/rtt.ts';
import { Slab } from '../../core/slab.ts';
import { REQUEST } from '../../transport/wire/frame.ts';

/** Whatever can sleep. */
interface Sleeping {
  suspend(kept: Kept): void;
  resume(kept: Kept): void;
}

/** Gives `next`, made anew, what another would go on with. */
function wake<T extends Sleeping>(asleep: T, next: T): T {
  const before = new Kept();
  asleep.suspend(before);
  const kept = new Kept(before.numbers);
  next.resume(kept);
  if (!kept.used) throw new Error('it takes less than it put');
  return next;
}

/** A path as a sender knows it. */
class Path {
  roundTrip: RoundTrip = new RoundTrip(1, 0.01);
  congestion: Congestion = new Congestion(this.roundTrip);

  sleep(): void {
    this.roundTrip = wake(this.roundTrip, new RoundTrip(1, 0.01));
    this.congestion = wake(this.congestion, new Congestion(this.roundTrip));
  }

  see(roundTripMs: number, perMs: number, loses: boolean, now: number): readonly number[] {
    this.congestion.measured(this.roundTrip.sample(roundTripMs, 0), perMs, now);
    if (loses) this.congestion.lost(now);
    this.congestion.grow(768, 1e9);
    const { smoothedMs, variationMs, minimumMs, probeMs } = this.roundTrip;
    return [this.congestion.limit, smoothedMs, variationMs, minimumMs, probeMs];
  }
}

test('what is known of a path outlives sleep', (t) => {
  const steps = fc.array(
    fc.record({
      // Nearly always inflated, so that losses count.
      roundTripMs: fc.oneof(
        { weight: 1, arbitrary: fc.double({ min: 0.5, max: 0.6, noNaN: true }) },
        { weight: 60, arbitrary: fc.double({ min: 3, max: 3.2, noNaN: true }) },
      ),
      perMs: fc.integer({ min: 100, max: 90_000 }),
      loses: fc.boolean(),
      sleeps: fc.boolean(),
    }),
    { minLength: 60, maxLength: 200 },
  );
  let limited = 0;
  fc.assert(
    fc.property(steps, (story) => {
      const [awake, sleeper] = [new Path(), new Path()];
      for (const path of [awake, sleeper]) path.see(0.5, 1_000, false, 1);
      story.forEach(({ roundTripMs, perMs, loses, sleeps }, at) => {
        if (sleeps) sleeper.sleep();
        const seen = awake.see(roundTripMs, perMs, loses, 2 + at);
        t.deepEqual(sleeper.see(roundTripMs, perMs, loses, 2 + at), seen);
        if (seen[0] !== Infinity) limited += 1;
      });
    }),
  );
  t.true(limited > 100, `a limit was in force ${limited} times`);
});

test('which datagrams have come outlives sleep: copies, gaps and what is told of them', (t) => {
  const step = fc.record({
    ahead: fc.integer({ min: -600, max: 40 }),
    floor: fc.integer({ min: 0, max: 511 }),
    sleeps: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), fc.nat({ max: 2 ** 40 }), (story, first) => {
      const awake = new Received(first);
      let sleeper = new Received(first);
      for (const { ahead, floor, sleeps } of story) {
        if (sleeps) sleeper = wake(sleeper, new Received(0));
        const number = Math.max(first, awake.top + ahead);
        const arrival = awake.arrival(number);
        t.is(sleeper.arrival(number), arrival);
        if (arrival === 'duplicate' || arrival === 'stale') continue;
        for (const each of [awake, sleeper]) each.accept(number, number - floor);
        t.deepEqual([sleeper.base, sleeper.top], [awake.base, awake.top]);
      }
      for (let number = awake.top - 600; number < awake.top; number++) {
        t.is(sleeper.arrival(number), awake.arrival(number));
      }
    }),
  );
});

/** A sender of two datagrams at a time, of which the first is lost. */
class Loser {
  readonly #roundTrip = new RoundTrip(1, 0.01);
  #flight: Flight = this.#fly();
  #lost = 0;

  sleep(): void {
    this.#flight = wake(this.#flight, this.#fly());
  }

  /** Gives when the loss is noticed, and the numbers so far. */
  lose(late: number, now: number): readonly number[] {
    const number = this.#flight.next;
    for (let count = 0; count < 2; count++) {
      const message = new Outgoing(REQUEST, number + count, 0, new Slab(4), 0, 4);
      this.#flight.sent([message], 768, now);
    }
    this.#flight.setLate(late);
    this.#flight.acknowledge(number, [2], 0, now + 1);
    const noticedAt = this.#flight.detectLosses(now + 1);
    this.#flight.detectLosses(noticedAt);
    return [noticedAt - now, number, this.#lost];
  }

  #fly(): Flight {
    return new Flight(0, false, this.#roundTrip, {
      delivered: () => undefined,
      lost: () => void (this.#lost += 1),
      measured: () => undefined,
      thinned: () => undefined,
    });
  }
}

test('how long an overtaken datagram is waited for outlives sleep', (t) => {
  // Seldom: sixteen losses without a late datagram make the window smaller again.
  const late = fc.oneof({ weight: 15, arbitrary: fc.constant(0) }, fc.constant(1));
  const step = fc.record({ late, sleeps: fc.boolean() });
  const waits = new Set<number>();
  fc.assert(
    fc.property(fc.array(step, { minLength: 60, maxLength: 100 }), (story) => {
      const [awake, sleeper] = [new Loser(), new Loser()];
      let told = 0;
      story.forEach((each, at) => {
        if (each.sleeps) sleeper.sleep();
        told += each.late;
        const seen = awake.lose(told, 1 + 10 * at);
        t.deepEqual(sleeper.lose(told, 1 + 10 * at), seen);
        waits.add(Math.round(100 * seen[0]!));
      });
    }),
  );
  t.true(waits.size > 2, 'the window grew and shrank');
});
