import test from 'ava';
import { Slab } from '../../../core/slab.ts';
import { decodeDatagram, encodeMessage } from '../../../transport/wire/datagram.ts';

const id = { idx: 1, val: 1 };
const HEADERS = 36;

interface Shape {
  readonly nlmsgLength: number;
  readonly cnLength: number;
  /** Bytes of the whole datagram. */
  readonly bytes: number;
}

function shaped({ nlmsgLength, cnLength, bytes }: Shape): Uint8Array {
  const slab = new Slab(Math.max(bytes, HEADERS));
  slab.view.setUint32(0, nlmsgLength, true);
  slab.view.setUint16(4, 3, true);
  slab.view.setUint32(16, id.idx, true);
  slab.view.setUint32(20, id.val, true);
  slab.view.setUint16(32, cnLength, true);
  return slab.bytes.subarray(0, bytes);
}

/** What became of a datagram: the reason, or the payload lengths of its messages. */
function outcome(bytes: Uint8Array): string {
  const decoded = decodeDatagram(bytes);
  if (!decoded.ok) return decoded.reason;
  const lengths = decoded.messages.map(({ payload }) => payload.length);
  return `${lengths.join(' ')} + ${decoded.trailing}`;
}

// KF §1.4: what the kernel takes and what it drops, in its order. One row differs, as said below.
const cases: readonly [string, Shape, string][] = [
  ['exact', { nlmsgLength: 40, cnLength: 4, bytes: 40 }, '4 + 0'],
  ['nlmsg_len 40 in 39 bytes', { nlmsgLength: 40, cnLength: 4, bytes: 39 }, 'nlmsg-length'],
  ['nlmsg_len 41 in 40 bytes', { nlmsgLength: 41, cnLength: 4, bytes: 40 }, 'nlmsg-length'],
  ['nlmsg_len of 32 ones', { nlmsgLength: 0xffff_ffff, cnLength: 4, bytes: 40 }, 'nlmsg-length'],
  ['nlmsg_len negative', { nlmsgLength: 0x8000_0010, cnLength: 4, bytes: 40 }, 'nlmsg-length'],
  ['nlmsg_len 0', { nlmsgLength: 0, cnLength: 4, bytes: 40 }, 'nlmsg-length'],
  ['nlmsg_len 16', { nlmsgLength: 16, cnLength: 4, bytes: 40 }, 'nlmsg-length'],
  ['nlmsg_len 35', { nlmsgLength: 35, cnLength: 0, bytes: 40 }, 'nlmsg-length'],
  ['nlmsg_len 36, no payload', { nlmsgLength: 36, cnLength: 0, bytes: 36 }, '0 + 0'],
  ['cn.len past nlmsg_len', { nlmsgLength: 36, cnLength: 4, bytes: 40 }, 'cn-length'],
  ['cn.len one too long', { nlmsgLength: 40, cnLength: 5, bytes: 44 }, 'cn-length'],
  ['nlmsg_len with the padding', { nlmsgLength: 40, cnLength: 1, bytes: 40 }, '1 + 0'],
  ['nlmsg_len longer than needed', { nlmsgLength: 48, cnLength: 4, bytes: 48 }, '4 + 0'],
  ['garbage after nlmsg_len', { nlmsgLength: 40, cnLength: 4, bytes: 60 }, '4 + 20'],
  ['the longest for the kernel', { nlmsgLength: 16_400, cnLength: 16_364, bytes: 16_400 },
    '16364 + 0'],
  // The kernel drops this one; between processes it is legal.
  ['longer than for the kernel', { nlmsgLength: 16_404, cnLength: 16_368, bytes: 16_404 },
    '16368 + 0'],
  ['the longest of all', { nlmsgLength: 65_571, cnLength: 65_535, bytes: 65_572 }, '65535 + 0'],
  ['no bytes', { nlmsgLength: 0, cnLength: 0, bytes: 0 }, 'short'],
  ['1 byte', { nlmsgLength: 40, cnLength: 4, bytes: 1 }, 'short'],
  ['15 bytes', { nlmsgLength: 40, cnLength: 4, bytes: 15 }, 'short'],
  ['35 bytes', { nlmsgLength: 35, cnLength: 0, bytes: 35 }, 'short'],
];

for (const [name, shape, expected] of cases) {
  test(`a datagram is read as the kernel reads it (P1.2): ${name}`, (t) => {
    t.is(outcome(shaped(shape)), expected);
  });
}

test('the payload is a view of the datagram and not a copy', (t) => {
  const bytes = encodeMessage({ id, seq: 1, ack: 2, flags: 0 }, new Uint8Array([7, 8, 9]));
  const decoded = decodeDatagram(bytes);
  t.true(decoded.ok);
  if (!decoded.ok) return;
  const { payload } = decoded.messages[0]!;
  t.is(payload.buffer, bytes.buffer);
  t.deepEqual([...payload], [7, 8, 9]);
});

test('encodeMessage pads with zeros and leaves the padding out of nlmsg_len (P1.1)', (t) => {
  for (let length = 0; length < 9; length++) {
    const payload = new Uint8Array(length).fill(0xff);
    const bytes = encodeMessage({ id, seq: 0xffff_ffff, ack: 3, flags: 5 }, payload);
    t.is(bytes.length % 4, 0);
    t.is(new Slab(bytes).view.getUint32(0, true), HEADERS + length);
    t.true(bytes.subarray(HEADERS + length).every((byte) => byte === 0));
    t.is(outcome(bytes), `${length} + 0`);
  }
});

function concat(...parts: Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

test('a datagram of several nlmsghdr gives all their messages (P1.3)', (t) => {
  const messages = [1, 6, 0, 9].map((length, index) =>
    encodeMessage({ id, seq: index, ack: 100 + index, flags: 0 }, new Uint8Array(length)));
  const decoded = decodeDatagram(concat(...messages));
  t.true(decoded.ok);
  if (!decoded.ok) return;
  const shapes = decoded.messages.map(({ cn }) => [cn.seq, cn.length]);
  t.deepEqual(shapes, [[0, 1], [1, 6], [2, 0], [3, 9]]);
});

test('what follows a whole nlmsghdr and is none is ignored and counted', (t) => {
  const whole = encodeMessage({ id, seq: 1, ack: 1, flags: 0 }, new Uint8Array(4));
  t.is(outcome(concat(whole, new Uint8Array(8).fill(0xff))), '4 + 8');
  const broken = shaped({ nlmsgLength: 36, cnLength: 9, bytes: 48 });
  t.is(outcome(concat(whole, whole, broken)), '4 4 + 48');
});

/** Several cn_msg in one nlmsghdr, as w1 bundles them; the last `cut` bytes left off. */
function bundle(lengths: readonly number[], cut: number): Uint8Array {
  const parts = lengths.map((length) =>
    encodeMessage({ id, seq: 1, ack: 1, flags: 1 }, new Uint8Array(length)).subarray(16));
  const body = concat(new Uint8Array(16), ...parts);
  const bytes = body.subarray(0, body.length - cut);
  new Slab(bytes).view.setUint32(0, bytes.length, true);
  return bytes;
}

test('a bundle of whole cn_msg gives each of them (P1.3)', (t) => {
  t.is(outcome(bundle([4, 5, 0, 8], 0)), '4 5 0 8 + 0');
  t.is(outcome(bundle([4, 8, 5], 3)), '4 8 5 + 0', 'the last may come without its padding');
});

test('of a bundle with a torn cn_msg only the first counts, as for the kernel', (t) => {
  t.is(outcome(bundle([4, 8], 1)), '4 + 0');
  t.is(outcome(bundle([4, 4, 9], 4)), '4 + 0');
});

test('less than a header at the end of a bundle is padding', (t) => {
  t.is(outcome(bundle([4, 8, 0], 1)), '4 8 + 0');
});
