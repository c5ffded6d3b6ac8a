import test from 'ava';
import fc from 'fast-check';
import { Scratch } from '../../core/scratch.ts';

const lengths = fc.array(
  fc.oneof(fc.nat(700), fc.constantFrom(0, 64, 65, 512, 513, 4_096, 5_000)),
  { maxLength: 200 },
);

test('what is kept stays as it was, whatever is encoded and kept later', (t) => {
  fc.assert(
    fc.property(lengths, (history) => {
      const scratch = new Scratch(5_000);
      const kept = history.map((length, index) => {
        scratch.bytes.fill(index, 0, length);
        return scratch.keep(length);
      });
      for (const [index, length] of history.entries()) {
        const bytes = kept[index]!;
        if (bytes.length !== length) throw new Error(`${bytes.length} bytes of ${length}`);
        if (bytes.some((byte) => byte !== (index & 0xff))) throw new Error('overwritten');
      }
    }),
  );
  t.pass();
});
