import test from 'ava';
import { ID, World } from './world.ts';
import { ConnectorError, createEndpoint, SeededRandom } from '../../index.ts';
import type { Clock, Timer } from '../../index.ts';

/** A clock that goes on while a handler runs: in virtual time no code takes any. */
class BusyClock implements Clock {
  /** How long handlers have taken, ms. */
  spent = 0;
  readonly #inner: Clock;

  constructor(inner: Clock) {
    this.#inner = inner;
  }

  get grainMs(): number {
    return this.#inner.grainMs;
  }

  now(): number {
    return this.#inner.now() + this.spent;
  }

  timer(fire: () => void): Timer {
    const timer = this.#inner.timer(fire);
    return { arm: (at) => timer.arm(at - this.spent), disarm: () => timer.disarm() };
  }
}

test('P6.6: a request whose time ran out behind a slow handler is not started', async (t) => {
  const world = new World({ faults: { delayMs: { min: 0.5, max: 0.5 } } });
  await world.run(async () => {
    const clock = new BusyClock(world.clock);
    const transport = world.network.open({ address: 100 });
    const server = createEndpoint({ transport, clock, random: new SeededRandom(1) });
    const ran: unknown[] = [];
    server.serve(ID, {
      slow: () => {
        clock.spent += 50;
      },
      note: (input) => ran.push(input),
    });
    const client = world.endpoint(200);
    const connection = await client.connect(ID, { peer: 100 });
    const slow = connection.call('slow');
    const late = connection.call('note', 'late', { timeoutMs: 20 });
    const patient = connection.call('note', 'patient', { timeoutMs: 1_000 });
    const error = await t.throwsAsync(late, { instanceOf: ConnectorError });
    t.is(error.code, 'deadline-exceeded');
    t.is(error.outcome, 'not-executed');
    await Promise.all([slow, patient]);
    t.deepEqual(ran, ['patient']);
    client.destroy();
    server.destroy();
  });
});
