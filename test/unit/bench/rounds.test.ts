import test from 'ava';
import { interleaved } from '../../../bench/macro/rounds.ts';

test('in each round each has its turn, one at a time, and keeps what came of it', async (t) => {
  const turns: string[] = [];
  let running = 0;
  const found = await interleaved(['a', 'b', 'c'], 4, async (item) => {
    t.is(++running, 1);
    await Promise.resolve();
    running -= 1;
    turns.push(item);
    return turns.filter((other) => other === item).length;
  });
  t.deepEqual(Object.fromEntries(found), { a: [1, 2, 3, 4], b: [1, 2, 3, 4], c: [1, 2, 3, 4] });
  for (let round = 0; round < 4; round++) {
    t.deepEqual(turns.slice(round * 3, round * 3 + 3).sort(), ['a', 'b', 'c']);
  }
});
