import test from 'ava';
import { Slab } from '../../../core/slab.ts';
import { Outgoing } from '../../../reliability/outgoing.ts';
import { pack } from '../../../reliability/packing.ts';
import { CANCEL } from '../../../transport/wire/frame.ts';

const SIZE = 8;

/** A slab in which each byte is `first` or one more than the byte before it. */
function counting(first: number): Slab {
  const slab = new Slab(32);
  for (let at = 0; at < 32; at++) slab.bytes[at] = first + at;
  return slab;
}

/** The first bytes of what lies where messages were packed. */
function packed(places: readonly (readonly [slab: Slab, at: number])[]): number[] {
  const messages = places.map(([slab, at]) => new Outgoing(CANCEL, 1, 2, slab, at, SIZE));
  const out = new Slab(64);
  pack(out, 4, messages, 0);
  const ends = 4 + SIZE * places.length;
  if (out.bytes.subarray(ends).some((byte) => byte !== 0)) return [];
  return places.map((_, index) => out.bytes[4 + SIZE * index]!);
}

test('messages go out in their order, however they lie in memory', (t) => {
  const [one, other] = [counting(10), counting(100)];
  t.deepEqual(packed([[one, 0], [one, 8], [one, 16]]), [10, 18, 26], 'side by side');
  t.deepEqual(packed([[one, 0], [one, 16], [one, 24]]), [10, 26, 34], 'with one left out');
  t.deepEqual(packed([[one, 8], [one, 0]]), [18, 10], 'the other way round');
  t.deepEqual(packed([[one, 0], [other, 8], [other, 16]]), [10, 108, 116], 'in the next chunk');
  t.deepEqual(packed([]), []);
});
