import test from 'ava';
import fc from 'fast-check';
import { MethodNames } from '../../../sessions/method-names.ts';
import { ConnectorError } from '../../../core/errors.ts';

const few = fc.constantFrom('echo', 'add', 'ech', 'echo2', '\ufffd', 'né', '\ud800', '方法');
const name = fc.oneof(few, fc.string({ minLength: 1, maxLength: 40, unit: 'binary' }));
const raw = fc.oneof(
  fc.constantFrom(Uint8Array.of(0xff), Uint8Array.of(0xef, 0xbf, 0xbd), Uint8Array.of(0x61)),
  fc.uint8Array({ maxLength: 40 }),
);

test('names are written and read as by TextEncoder and TextDecoder, whatever came before', (t) => {
  fc.assert(
    fc.property(fc.array(fc.oneof(name, raw), { maxLength: 80 }), (history) => {
      const names = new MethodNames();
      for (const thing of history) {
        if (typeof thing === 'string') {
          const expected = new TextEncoder().encode(thing);
          if (Buffer.compare(names.encode(thing), expected) !== 0) throw new Error(thing);
        } else {
          const placed = Uint8Array.of(1, ...thing, 2);
          const read = names.decode(placed, 1, placed.length - 1);
          if (read !== new TextDecoder().decode(thing)) throw new Error(read);
        }
      }
    }),
  );
  t.pass();
});

test('a name of more than 255 bytes is refused, remembered or not', (t) => {
  const names = new MethodNames();
  t.is(names.encode('é'.repeat(127)).length, 254);
  for (let again = 0; again < 2; again++) {
    const error = t.throws(() => names.encode('é'.repeat(128)), { instanceOf: ConnectorError });
    t.is(error?.code, 'invalid-argument');
  }
});

test('what is remembered does not change when the slab it was read from does', (t) => {
  const names = new MethodNames();
  const slab = Uint8Array.of(0x61, 0x62);
  t.is(names.decode(slab, 0, 2), 'ab');
  slab[1] = 0x63;
  t.is(names.decode(slab, 0, 2), 'ac');
});
