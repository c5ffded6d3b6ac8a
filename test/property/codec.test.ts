import test from 'ava';
import fc from 'fast-check';
import { requestOf } from '../requests.ts';
import { rowIsWhole } from '../unit/sessions/row.ts';
import { Arena } from '../../core/arena.ts';
import { Slab } from '../../core/slab.ts';
import {
  encodeCancel, encodeCredit, encodePiece, encodeReply,
} from '../../sessions/encode.ts';
import { readPayload, writePayload } from '../../sessions/payload.ts';
import { CN_MSG_HEADER, readCnMsg } from '../../transport/wire/cnmsg.ts';
import { decodeDatagram, encodeMessage } from '../../transport/wire/datagram.ts';
import * as frame from '../../transport/wire/frame.ts';
import {
  readOpening,
  readRefusal,
  writeOpening,
  writeRefusal,
} from '../../transport/wire/handshake.ts';

const u8 = fc.integer({ min: 0, max: 0xff });
const u16 = fc.integer({ min: 0, max: 0xffff });
const u32 = fc.oneof(fc.integer({ min: 0, max: 0xffff_ffff }), fc.constantFrom(0, 0xffff_ffff));
const id = fc.record({ idx: u32, val: u32 });
const incarnation = fc.record({ high: u32, low: u32 });
const payload = fc.uint8Array({ maxLength: 70 });

const opening = fc.record({
  id,
  seq: u32,
  ack: u32,
  session: u32,
  source: u32,
  tag: u32,
  incarnation,
  firstNumber: u32,
  firstSeq: u32,
  grant: u32,
  window: u32,
  valueMax: u32,
  credit: u32,
});

/** A slab full of what stood there before, a place in it, and what is around it. */
function dirty(length: number): Slab {
  const slab = new Slab(length);
  slab.bytes.fill(0xee);
  return slab;
}

test('a message that is written reads back as itself, and its bytes encode to the same', (t) => {
  const header = fc.record({ id, seq: u32, ack: u32, flags: u16 });
  fc.assert(
    fc.property(fc.array(fc.tuple(header, payload), { minLength: 1, maxLength: 4 }), (messages) => {
      const parts = messages.map(([cn, bytes]) => encodeMessage(cn, bytes));
      const decoded = decodeDatagram(new Uint8Array(Buffer.concat(parts)));
      if (!decoded.ok || decoded.trailing !== 0) return false;
      return decoded.messages.length === messages.length
        && decoded.messages.every(({ cn, payload: got }, index) => {
          const again = encodeMessage(cn, got);
          return Buffer.compare(again, parts[index]!) === 0
            && Buffer.compare(got, messages[index]![1]) === 0;
        });
    }),
  );
  t.pass();
});

test('openings and refusals read back as they were written, each field its own', (t) => {
  const refusal = fc.record({ id, seq: u32, ack: u32, session: u32, incarnation, reason: u32 });
  fc.assert(
    fc.property(opening, refusal, (offer, no) => {
      const slab = dirty(frame.OPEN_LENGTH);
      t.is(writeOpening(slab, frame.OPENED, offer), slab.bytes.length);
      t.deepEqual(readOpening(slab, 0, offer.id), offer);
      const short = dirty(frame.REFUSAL_LENGTH);
      t.is(writeRefusal(short, frame.RESET, no), short.bytes.length);
      t.deepEqual(readRefusal(short, 0, no.id), no);
      t.deepEqual(readCnMsg(short, frame.ENVELOPE_CN).id, no.id);
    }),
  );
});

test('what the encoders write is whole, at any place and among other messages', (t) => {
  const request = fc.record({
    kind: fc.constantFrom(frame.REQUEST, frame.SEND),
    channel: u16,
    position: u32,
    method: fc.uint8Array({ maxLength: 255 }),
    format: u8,
    payload,
    call: fc.constant({ deadline: Infinity }),
  });
  fc.assert(
    fc.property(id, u32, request, u8, fc.nat(31), payload, fc.nat(9), (who, seq, parts, ...rest) =>
    {
      const [status, format, answer, at] = rest;
      const identity = { id: who, seq, ack: seq ^ 0x5555 };
      const arena = new Arena();
      const messages = [
        requestOf(arena, identity, parts),
        encodeReply(arena, identity, status, format, answer),
        encodeCancel(arena, identity, parts.channel, parts.position),
        encodeReply(arena, identity, status, format, answer, seq),
        encodePiece(arena, identity, frame.REPLY_PIECE, {
          position: seq, format, flags: frame.PIECE_CONTINUES, bytes: answer,
        }),
        encodeCredit(arena, identity, frame.REQUEST_CREDIT, seq),
      ];
      const joined = Buffer.concat(messages.map(({ bytes }) => bytes));
      if (!rowIsWhole(who, joined, at)) return false;
      if (rowIsWhole({ ...who, val: (who.val ^ 1) >>> 0 }, joined, at)) return false;
      const bodyAt = CN_MSG_HEADER + frame.REQUEST_HEADER;
      const method = joined.subarray(bodyAt, bodyAt + parts.method.length);
      return Buffer.compare(method, parts.method) === 0
        && messages.every(({ bytes }) => bytes.length % 4 === 0);
    }),
  );
  t.pass();
});

test('every JSON value and every run of bytes survives the journey', (t) => {
  fc.assert(
    fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
      const written = writePayload(value);
      const read = readPayload(written.format, written.bytes);
      // JSON has no -0; that is the one value that changes.
      t.is(JSON.stringify(read), JSON.stringify(value));
    }),
    { numRuns: 200 },
  );
  fc.assert(
    fc.property(payload, (bytes) => {
      const written = writePayload(bytes);
      const read = readPayload(written.format, written.bytes);
      return read instanceof Uint8Array && Buffer.compare(read, bytes) === 0;
    }),
  );
});

test('reading a payload never throws, whatever the format and the bytes', (t) => {
  fc.assert(fc.property(u8, payload, (format, bytes) => {
    readPayload(format, bytes);
  }));
  t.pass();
});
