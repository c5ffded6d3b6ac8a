import test from 'ava';
import fc from 'fast-check';
import { Arena } from '../../core/arena.ts';
import { Slab } from '../../core/slab.ts';

const words = (most: number): fc.Arbitrary<number> => fc.nat(most).map((count) => 4 * count);
const lengths = fc.array(
  fc.oneof(words(175), fc.constantFrom(0, 4, 512, 516, 4_096, 5_000)),
  { maxLength: 200 },
);

test('what is reserved is zero, and stays as it was written, whatever is reserved later', (t) => {
  fc.assert(
    fc.property(lengths, (history) => {
      const arena = new Arena();
      const taken = history.map((length, index) => {
        const at = arena.reserve(length);
        const bytes = arena.slab.bytes.subarray(at, at + length);
        if (at !== arena.at || at % 4 !== 0) throw new Error(`it begins at ${at}`);
        if (bytes.length !== length) throw new Error(`${bytes.length} bytes of ${length}`);
        if (bytes.some((byte) => byte !== 0)) throw new Error('written to before');
        bytes.fill(index + 1);
        return bytes;
      });
      for (const [index, bytes] of taken.entries()) {
        if (bytes.some((byte) => byte !== ((index + 1) & 0xff))) throw new Error('overwritten');
      }
    }),
  );
  t.pass();
});

test('a slab copies what it is told and nothing beside it', (t) => {
  fc.assert(
    fc.property(words(100), words(50), words(50), (length, from, at) => {
      const source = new Slab(from + length + 8);
      source.bytes.forEach((_byte, index) => { source.bytes[index] = (index % 250) + 1; });
      const target = new Slab(at + length + 8);
      target.copy(at, source, from, length);
      const copied = source.bytes.slice(from, from + length);
      const expected = new Uint8Array(at + length + 8);
      expected.set(copied, at);
      if (Buffer.compare(target.bytes, expected) !== 0) throw new Error('not what was copied');
    }),
  );
  t.pass();
});
