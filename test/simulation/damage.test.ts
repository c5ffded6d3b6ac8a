import test from 'ava';
import { ID, World } from './world.ts';
import { SeededRandom } from '../../index.ts';
import type { Faults } from '../../transport/faults.ts';

// Bytes that are damaged on the way. No checksum below ours would notice (semantics 22).

const CALLS = 4_000;
const IN_FLIGHT = 64;
const WAY = { min: 0.5, max: 0.5 };

const scenes: Readonly<Record<string, Faults>> = {
  'bits flipped in 2 % of all datagrams': { corrupt: 0.02 },
  'mutated copies of 30 %': { mutate: 0.3 },
  'mutated copies long after': { mutate: 0.3, duplicateDelayMs: { min: 0, max: 1_000 } },
  'both, and 5 % cut short': { corrupt: 0.02, mutate: 0.3, truncate: 0.05 },
};

for (const [name, faults] of Object.entries(scenes)) {
  test(`P3.3: nothing damaged is delivered and no call is lost: ${name}`, async (t) => {
    const world = new World({ faults: { ...faults, delayMs: WAY }, seed: 22 });
    const random = new SeededRandom(22);
    await world.run(async () => {
      const server = world.endpoint(100);
      const seen = new Map<number, number>();
      let damaged = 0;
      server.serve(ID, {
        echo: (input) => {
          const bytes = input as Uint8Array;
          if (!sound(bytes)) damaged += 1;
          seen.set(bytes[0]! * 256 + bytes[1]!, (seen.get(bytes[0]! * 256 + bytes[1]!) ?? 0) + 1);
          return input;
        },
      });
      const client = world.endpoint(200);
      const connection = await client.connect(ID, { peer: 100 });
      let made = 0;
      const caller = async (): Promise<void> => {
        while (made < CALLS) {
          const sent = patterned((made += 1), random.integer(2, 600));
          t.deepEqual(await connection.call('echo', sent), sent);
        }
      };
      await Promise.all(Array.from({ length: IN_FLIGHT }, caller));
      t.is(damaged, 0);
      t.is(seen.size, made);
      t.true([...seen.values()].every((count) => count === 1), 'each ran once');
      const dropped = client.stats().dropped.checksum + server.stats().dropped.checksum;
      t.true(dropped > 0, `${dropped} dropped for their checksum`);
      t.true(world.network.stats().corrupted > 0);
      client.destroy();
      server.destroy();
    });
  });
}

/** Bytes of which each follows from the first two. */
function patterned(number: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at++) bytes[at] = (number * 31 + at * 7) & 0xff;
  bytes[0] = number >>> 8;
  bytes[1] = number;
  return bytes;
}

function sound(bytes: Uint8Array): boolean {
  const whole = patterned(bytes[0]! * 256 + bytes[1]!, bytes.length);
  return bytes.every((byte, at) => byte === whole[at]);
}
