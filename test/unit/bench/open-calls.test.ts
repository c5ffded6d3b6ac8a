import test from 'ava';
import { OpenCalls } from '../../../bench/contestants/open-calls.ts';

test('each open call gets its own reply, once, and numbers are used again', (t) => {
  const open = new OpenCalls();
  const got: [string, number][] = [];
  const add = (name: string): number => open.add((payload) => got.push([name, payload[0]!]));
  const [first, second] = [add('first'), add('second')];
  t.true(first > 0 && second > 0 && first !== second);
  open.settle(second, new Uint8Array([2]));
  open.settle(second, new Uint8Array([3]));
  t.is(add('third'), second);
  open.settle(first, new Uint8Array([1]));
  open.settle(second, new Uint8Array([4]));
  open.settle(0, new Uint8Array([5]));
  open.settle(99, new Uint8Array([6]));
  t.deepEqual(got, [['second', 2], ['first', 1], ['third', 4]]);
});
