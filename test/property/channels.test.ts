import test from 'ava';
import fc from 'fast-check';
import { Channels } from '../../sessions/channels.ts';

const MAX = 3;
const NAMES = ['a', 'b', 'c', 'd', 'e'];

const steps = fc.array(
  fc.record({ name: fc.constantFrom(...NAMES), release: fc.boolean() }),
  { maxLength: 150 },
);

test('no number serves two names at once, and its positions have no gap (P7.2)', (t) => {
  fc.assert(
    fc.property(steps, (history) => {
      const channels = new Channels(MAX);
      const open = new Map<string, { number: number; count: number }>();
      const next = new Map<number, number>();
      for (const { name, release } of history) {
        const known = open.get(name);
        if (release) {
          channels.release(name);
          if (known !== undefined && --known.count === 0) open.delete(name);
          continue;
        }
        const place = channels.place(name);
        const room = known !== undefined || open.size < MAX;
        if ((place !== undefined) !== room) throw new Error(`room ${room} in ${name}`);
        if (place === undefined) continue;
        const { number, position } = place;
        if (number < 1 || number > MAX) throw new Error(`number ${number}`);
        if (known !== undefined && known.number !== number) throw new Error('changed its number');
        const taken = [...open].some(([other, entry]) => other !== name && entry.number === number);
        if (taken) throw new Error(`two names at ${number}`);
        if (position !== (next.get(number) ?? 0)) throw new Error(`position ${position}`);
        next.set(number, position + 1);
        open.set(name, { number, count: (known?.count ?? 0) + 1 });
      }
    }),
    { numRuns: 300 },
  );
  t.pass();
});

test('a name that comes back goes on counting, under whatever number was free', (t) => {
  const channels = new Channels(1);
  t.deepEqual(channels.place('a'), { channel: 'a', number: 1, position: 0 });
  t.is(channels.place('b'), undefined, 'one channel is in use and no more are allowed');
  t.deepEqual(channels.place('a'), { channel: 'a', number: 1, position: 1 });
  channels.release('a');
  t.is(channels.place('b'), undefined);
  channels.release('a');
  t.deepEqual(channels.place('b'), { channel: 'b', number: 1, position: 2 });
  channels.release('nobody');
  t.is(channels.place('a'), undefined);
});
