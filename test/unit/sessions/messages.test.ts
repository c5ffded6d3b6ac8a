import test from 'ava';
import { rowIsWhole } from './row.ts';
import { Slab } from '../../../core/slab.ts';
import { CN_MSG_HEADER, writeCnMsg } from '../../../transport/wire/cnmsg.ts';
import * as frame from '../../../transport/wire/frame.ts';

const id = { idx: 1, val: 2 };

/** One message of a kind with a payload of zeros, which may be cut off. */
function raw(kind: number, length: number, method = 0, who: typeof id = id): Slab {
  const slab = new Slab(CN_MSG_HEADER + 4 * Math.ceil(length / 4));
  writeCnMsg(slab, 0, who, 1, 1, length, kind);
  const at = CN_MSG_HEADER + frame.REQUEST_METHOD_LENGTH;
  if (at < slab.bytes.length) slab.bytes[at] = method;
  return slab;
}

function whole(slab: Slab, end: number = slab.bytes.length): boolean {
  return rowIsWhole(id, slab.bytes.subarray(0, end));
}

// [kind, the shortest payload]
const kinds = [
  ['REQUEST', frame.REQUEST, frame.REQUEST_HEADER],
  ['REPLY', frame.REPLY, frame.REPLY_HEADER],
  ['CANCEL', frame.CANCEL, frame.CANCEL_LENGTH],
  ['CLOSE', frame.CLOSE, 0],
  ['PING', frame.PING, 0],
  ['SEND', frame.SEND, frame.REQUEST_HEADER],
  ['REQUEST_PIECE', frame.REQUEST_PIECE, frame.PIECE_HEADER],
  ['REPLY_PIECE', frame.REPLY_PIECE, frame.PIECE_HEADER],
  ['REQUEST_CREDIT', frame.REQUEST_CREDIT, frame.CREDIT_LENGTH],
  ['REPLY_CREDIT', frame.REPLY_CREDIT, frame.CREDIT_LENGTH],
] as const;

for (const [name, kind, least] of kinds) {
  test(`a ${name} shorter than its header is not whole, a longer one is`, (t) => {
    for (let length = 0; length < 24; length++) {
      t.is(whole(raw(kind, length)), length >= least, `${length} bytes`);
    }
  });

  test(`a ${name} that goes beyond the datagram is not whole`, (t) => {
    const slab = raw(kind, 20);
    for (let end = 1; end < slab.bytes.length; end++) t.false(whole(slab, end), String(end));
    t.true(whole(slab));
  });
}

test('the padding of the last message may be missing', (t) => {
  const slab = raw(frame.REPLY, 5);
  t.is(slab.bytes.length, CN_MSG_HEADER + 8);
  t.true(whole(slab, CN_MSG_HEADER + 5));
  t.false(whole(slab, CN_MSG_HEADER + 4));
});

test('the method of a request is within the request', (t) => {
  t.true(whole(raw(frame.REQUEST, frame.REQUEST_HEADER + 4, 4)));
  t.false(whole(raw(frame.REQUEST, frame.REQUEST_HEADER + 4, 5)));
  t.false(whole(raw(frame.REQUEST, frame.REQUEST_HEADER, 255)));
});

test('a REPLY that says how many pieces go before it has room to say so', (t) => {
  for (let length = 0; length < 24; length++) {
    const slab = raw(frame.REPLY, length);
    const at = CN_MSG_HEADER + frame.REPLY_FORMAT;
    if (at < slab.bytes.length) slab.bytes[at] = frame.REPLY_AFTER_PIECES;
    const least = frame.REPLY_HEADER + frame.REPLY_COUNT_LENGTH;
    t.is(whole(slab), length >= least, `${length} bytes`);
  }
});

test('a length that overflows nothing and fits nothing is not whole', (t) => {
  const slab = raw(frame.REPLY, 20);
  slab.view.setUint16(16, 0xffff, true);
  t.false(whole(slab));
});

test('only messages of sessions count: every other kind is refused (P3.2)', (t) => {
  const known = new Set<number>(kinds.map(([, kind]) => kind));
  for (let kind = 0; kind <= 0xffff; kind++) {
    if (whole(raw(kind, 32)) !== known.has(kind)) t.fail(`kind ${kind.toString(16)}`);
  }
  t.pass();
});

test('a message of another connector id is refused', (t) => {
  t.false(whole(raw(frame.CLOSE, 0, 0, { idx: 1, val: 3 })));
  t.false(whole(raw(frame.CLOSE, 0, 0, { idx: 2, val: 2 })));
});

test('one bad message spoils the row, wherever it stands', (t) => {
  const good = raw(frame.REPLY, 7);
  const bad = raw(frame.REPLY, 3);
  for (let place = 0; place < 4; place++) {
    const row = [0, 1, 2, 3].map((at) => (at === place ? bad : good).bytes);
    t.false(whole(new Slab(new Uint8Array(Buffer.concat(row)))));
  }
  const row = [good, good, good].map(({ bytes }) => bytes);
  t.true(whole(new Slab(new Uint8Array(Buffer.concat(row)))));
});

test('no messages at all are whole', (t) => {
  t.true(whole(new Slab(0)));
});
