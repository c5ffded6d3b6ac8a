import test from 'ava';
import * as kinds from '../../cli/kinds.ts';

test('a whole number is decimal digits within its bounds', (t) => {
  const { read, expects } = kinds.wholeNumber(1, 10);
  t.deepEqual(['1', '07', '10'].map(read), [1, 7, 10]);
  for (const text of ['', '0', '11', '-1', '+1', '1.0', '1e0', '0x1', ' 1', '1 ', 'NaN', '٣']) {
    t.is(read(text), undefined, text);
  }
  t.is(expects, 'a whole number from 1 to 10');
});

test('a probability is a decimal fraction from 0 to 1', (t) => {
  const { read } = kinds.probability;
  t.deepEqual(['0', '1', '0.25', '.5', '1.', '1.0'].map(read), [0, 1, 0.25, 0.5, 1, 1]);
  for (const text of ['', '.', '1.1', '-0.1', '1e-3', 'Infinity', '0,5', '50%']) {
    t.is(read(text), undefined, text);
  }
});

test('a delay is MIN..MAX with MIN <= MAX', (t) => {
  const { read } = kinds.delay;
  t.deepEqual(read('0..3'), { min: 0, max: 3 });
  t.deepEqual(read('.5..1.5'), { min: 0.5, max: 1.5 });
  t.deepEqual(read('2..2'), { min: 2, max: 2 });
  const none = ['', '..', '3..1', '1', '1..', '..1', '1..2..3', '0..10001', '-1..1', '1...2'];
  for (const text of none) {
    t.is(read(text), undefined, text);
  }
});

test('an id is IDX:VAL', (t) => {
  t.deepEqual(kinds.connectorId.read('20:0x1'), { idx: 20, val: 1 });
  for (const text of ['', '20', '20:', 'x', '1:2:3', '1:4294967296']) {
    t.is(kinds.connectorId.read(text), undefined, text);
  }
});

test('hex is pairs of digits with white space anywhere', (t) => {
  t.deepEqual(kinds.readHex('c0 ffee\n'), new Uint8Array([0xc0, 0xff, 0xee]));
  t.deepEqual(kinds.readHex('C0FFEE'), new Uint8Array([0xc0, 0xff, 0xee]));
  t.deepEqual(kinds.readHex(''), new Uint8Array(0));
  for (const text of ['0', '0x00', 'zz', 'c0-ff']) t.is(kinds.readHex(text), undefined, text);
});
