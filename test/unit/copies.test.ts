import test from 'ava';
import fc from 'fast-check';
import { Copies, ownMemory, plain } from '../../core/copies.ts';

test('a copy has the bytes, and stays as it is whatever is copied after it', (t) => {
  const lengths = fc.array(fc.integer({ min: 0, max: 3_000 }), { maxLength: 40 });
  fc.assert(
    fc.property(lengths, (drawn) => {
      const copies = new Copies();
      const made = drawn.map((length, index) => {
        const source = new Uint8Array(length + 7).fill(index + 1);
        const copy = copies.of(source, 3, length + 3);
        source.fill(0);
        return { copy, length, index };
      });
      for (const { copy, length, index } of made) {
        t.is(copy.length, length);
        t.true(copy.every((byte) => byte === index + 1));
        copy.fill(0); // reaches no other
      }
    }),
  );
});

test('short ones share memory, long and tiny ones do not', (t) => {
  const copies = new Copies();
  const source = new Uint8Array(4_096);
  const shared = (length: number): boolean =>
    copies.of(source, 0, length).buffer === copies.of(source, 0, length).buffer;
  t.deepEqual([64, 65, 2_048, 2_049].map(shared), [false, true, true, false]);
  t.is(copies.of(source, 0, 100).buffer.byteLength, 8_192);
});

test('memory that is shared is not taken away with one copy', (t) => {
  const copies = new Copies();
  const first = copies.of(new Uint8Array(100), 0, 100);
  const second = copies.of(new Uint8Array(100), 0, 100);
  try {
    structuredClone(first, { transfer: [first.buffer as ArrayBuffer] });
  } catch {
    // Node 22 and later say why not; before, it is copied.
  }
  t.is(second.length, 100);
});

test('what stays for long gets memory of its own', (t) => {
  const copy = new Copies().of(new Uint8Array(100).fill(5), 0, 100);
  const own = ownMemory(copy);
  t.is(own.buffer.byteLength, 100);
  t.deepEqual([...own], [...copy]);
  t.is(ownMemory(own), own);
});

test('a Buffer is seen as what it is a view of, and its slice copies', (t) => {
  const buffer = Buffer.from('some bytes');
  const bytes = plain(buffer);
  t.is(bytes.constructor, Uint8Array);
  const copy = bytes.slice();
  buffer.fill(0);
  t.is(Buffer.from(copy).toString(), 'some bytes');
  t.is(plain(bytes), bytes);
});
