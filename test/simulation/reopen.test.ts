import test from 'ava';
import { ID, World } from './world.ts';
import type { Endpoint } from '../../index.ts';

// A server is killed and another comes at its address. Calls that go on in the next session end as
// soon after that as those that fail (P4.1, P5.11).

const LINK = { delayMs: { min: 0.5, max: 0.5 } };
/** How soon after the new server is there (issue 3). */
const SOON_MS = 50;

for (const reportsDeath of [true, false]) {
  for (const downMs of [7, 120, 900.5, 20_000]) {
    const death = reportsDeath ? 'is seen' : 'is not seen';
    test(`P4.1: idempotent calls end soon after ${downMs} ms, death ${death}`, async (t) => {
      for (const inFlight of [1, 256]) {
        const world = new World({ faults: LINK, reportsDeath, seed: downMs });
        await world.run(async () => {
          const first = world.endpoint(100);
          first.serve(ID, { work: () => new Promise(() => {}) });
          const client = world.endpoint(200);
          const connection = await client.connect(ID, { peer: 100, waitForReady: true });
          const options = { idempotent: true, timeoutMs: Infinity };
          const calls = Array.from({ length: inFlight }, () =>
            connection.call('work', new Uint8Array(64), options),
          );
          await world.sleep(500.7);
          first.destroy();
          await world.sleep(downMs);
          const second = world.endpoint(100);
          second.serve(ID, { work: () => 'anew' });
          const upAt = world.clock.now();
          await Promise.all(calls);
          const tookMs = world.clock.now() - upAt;
          t.true(tookMs <= SOON_MS, `${tookMs} ms after`);
          client.destroy();
          second.destroy();
        });
      }
    });
  }
}

test('P4.1: who waits for a server to return asks often for silenceMs, then rarely', async (t) => {
  const world = new World({ faults: LINK });
  await world.run(async () => {
    const open = async (address: number): Promise<Endpoint> => {
      const client = world.endpoint(address, { silenceMs: 10_000 });
      const connection = await client.connect(ID, { peer: 100, waitForReady: true });
      const options = { idempotent: true, timeoutMs: Infinity };
      connection.call('work', 1, options).catch(() => undefined);
      return client;
    };
    const first = world.endpoint(100);
    first.serve(ID, { work: () => new Promise(() => {}) });
    const client = await open(200);
    await world.sleep(100);
    first.destroy();
    const asked = async (): Promise<number> => {
      const before = client.stats().controlSent;
      await world.sleep(5_000);
      return (client.stats().controlSent - before) / 5;
    };
    await world.sleep(1_000);
    const often = await asked();
    t.true(often > 20 && often <= 42, `${often} a second`);
    await world.sleep(6_000);
    const rarely = await asked();
    t.true(rarely <= 2, `${rarely} a second`);
    client.destroy();
  });
});
