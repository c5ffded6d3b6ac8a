import test from 'ava';
import { isConnectorError } from '../../../core/errors.ts';
import { readPayload, UNREADABLE, writePayload } from '../../../sessions/payload.ts';
import { FORMAT_BYTES, FORMAT_JSON, FORMAT_NONE } from '../../../transport/wire/frame.ts';

function bytes(text: string): Uint8Array {
  return Buffer.from(text);
}

test('bytes travel as they are, undefined as nothing and all else as JSON', (t) => {
  const raw = new Uint8Array([0, 255]);
  t.deepEqual(writePayload(raw), { format: FORMAT_BYTES, bytes: raw });
  t.deepEqual(writePayload(Buffer.from('x')).format, FORMAT_BYTES);
  t.deepEqual(writePayload(undefined), { format: FORMAT_NONE, bytes: new Uint8Array(0) });
  const values: readonly [unknown, string][] = [
    [null, 'null'], ['ü', '"ü"'], [{ a: [1, undefined] }, '{"a":[1,null]}'], [Number.NaN, 'null'],
  ];
  for (const [value, text] of values) {
    const written = writePayload(value);
    t.is(written.format, FORMAT_JSON);
    t.is(Buffer.from(written.bytes).toString(), text);
  }
});

test('what JSON cannot say is refused at once, and nothing was sent', (t) => {
  const cycle: unknown[] = [];
  cycle.push(cycle);
  const thrower = { toJSON: () => { throw new RangeError('mine'); } };
  for (const value of [() => 1, Symbol('s'), 1n, cycle, thrower, { a: 1n }]) {
    const error = t.throws(() => writePayload(value));
    t.true(isConnectorError(error, 'invalid-argument'));
    if (isConnectorError(error)) t.is(error.outcome, 'not-sent');
  }
  t.is((t.throws(() => writePayload(thrower)).cause as Error).message, 'mine');
});

test('reading gives the value, or says that there is none', (t) => {
  t.deepEqual(readPayload(FORMAT_JSON, bytes('{"a":[1]}')), { a: [1] });
  t.is(readPayload(FORMAT_NONE, bytes('whatever')), undefined);
  const raw = bytes('abc');
  t.is(readPayload(FORMAT_BYTES, raw), raw);
  t.is(readPayload(FORMAT_JSON, bytes('')), UNREADABLE);
  t.deepEqual(readPayload(FORMAT_JSON, bytes('{"a":')), UNREADABLE);
  t.deepEqual(readPayload(FORMAT_JSON, new Uint8Array([0x22, 0xff, 0x22])), UNREADABLE);
  for (const format of [3, 77, 255, -1]) {
    t.deepEqual(readPayload(format, bytes('1')), UNREADABLE);
  }
});
