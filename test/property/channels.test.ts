import test from 'ava';
import fc from 'fast-check';
import { Lane } from '../../reliability/lane.ts';
import { Channels } from '../../sessions/channels.ts';

const MAX = 3;
const OPEN_MAX = 4;
const NAMES = ['a', 'b', 'c', 'd', 'e'];

const steps = fc.array(
  fc.record({ name: fc.constantFrom(...NAMES), release: fc.boolean() }),
  { maxLength: 150 },
);

test('no number serves two names at once, and its positions go on without a gap', (t) => {
  fc.assert(
    fc.property(steps, (history) => {
      const channels = new Channels(MAX, OPEN_MAX);
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
        const room = known === undefined ? open.size < MAX : known.count < OPEN_MAX;
        if ((place !== undefined) !== room) throw new Error(`room ${room} in ${name}`);
        if (place === undefined) continue;
        const { number, position } = place;
        if (number < 1 || number > MAX) throw new Error(`number ${number}`);
        if (known !== undefined && known.number !== number) throw new Error('changed its number');
        const taken = [...open].some(([other, { number: used }]) => other !== name && used === number);
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

test('every position that a client hands out has room in the lane of its server', (t) => {
  // The request at position 0 is lost again and again; those after it are cancelled and delivered.
  const channels = new Channels(MAX, OPEN_MAX);
  const lane = new Lane<string>(OPEN_MAX);
  channels.place('a');
  for (let call = 0; call < 3 * OPEN_MAX; call++) {
    const place = channels.place('a');
    if (place === undefined) break;
    const placement = lane.placement(place.position);
    if (placement !== 'held') return t.fail(`position ${place.position} is ${placement}`);
    lane.put(place.position, undefined);
    channels.release('a');
  }
  t.pass();
});
