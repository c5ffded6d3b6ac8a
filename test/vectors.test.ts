import test from 'ava';
import { requestOf } from './requests.ts';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from './package-root.ts';
import { fixedTraits } from './unit/reliability/traits.ts';
import { rowIsWhole } from './unit/sessions/row.ts';
import { Arena } from '../core/arena.ts';
import { Slab } from '../core/slab.ts';
import { Carrier } from '../reliability/carrier.ts';
import type { Outgoing } from '../reliability/outgoing.ts';
import {
  encodeCancel,
  encodeCredit,
  encodePiece,
  encodeReply,
  encodeSignal,
} from '../sessions/encode.ts';
import { stampChecksum, verifyChecksum } from '../transport/wire/checksum.ts';
import { decodeDatagram, encodeMessage } from '../transport/wire/datagram.ts';
import {
  countNews,
  newsEnd,
  newsLength,
  readEventHead,
  readNews,
  writeEventHead,
  writeNews,
  type EventHead,
} from '../transport/wire/event.ts';
import * as frame from '../transport/wire/frame.ts';
import {
  readOpening,
  readRefusal,
  writeOpening,
  writeRefusal,
  type Opening,
  type Refusal,
} from '../transport/wire/handshake.ts';
import { NLMSG_DONE } from '../transport/wire/nlmsg.ts';

// The bytes are those of a little-endian machine, as are all that run these tests.

interface KernelVector {
  readonly name: string;
  readonly hex: string;
  readonly nlmsg: { len: number; type: number; flags: number; seq: number; pid: number };
  readonly cn: {
    idx: number;
    val: number;
    seq: number;
    ack: number;
    len: number;
    flags: number;
  };
  readonly request?: string;
}

interface SessionVector {
  readonly name: string;
  /** The name of its kind in frame.ts. */
  readonly kind: string;
  readonly crc?: string;
  readonly fields: unknown;
  /** Name and bytes of one field after the other; names from frame.ts stand at their offset. */
  readonly parts: readonly (readonly [string, string])[];
}

interface MessageFields {
  readonly seq: number;
  readonly ack: number;
  readonly channel: number;
  readonly position: number;
  readonly method: string;
  readonly status: number;
  readonly format: number;
  readonly pieces?: number;
  readonly flags: number;
  readonly limit: number;
  readonly payload: string;
}

interface EventFields extends EventHead {
  readonly news?: readonly {
    readonly topic: string;
    readonly format: number;
    readonly value: string;
  }[];
}

interface DataFields {
  readonly session: number;
  readonly peerSession: number;
  readonly tag: number;
  readonly number: number;
  readonly firstReceived: number;
  readonly came: readonly number[];
  readonly delayMs: number;
  readonly grant: number;
  readonly budgetMs?: number;
}

function load(file: string): unknown {
  return JSON.parse(readFileSync(join(packageRoot, 'test', 'vectors', file), 'utf8'));
}

const kernel = (load('kernel.json') as { datagrams: KernelVector[] }).datagrams;
const session = (load('session.json') as { vectors: SessionVector[] }).vectors;
const constants: Readonly<Record<string, number | undefined>> = frame;
const id = { idx: 5, val: 0x01020304 };
const NOW = 1000;

function fromHex(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex, 'hex'));
}

function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

function hexOf(vector: SessionVector): string {
  return vector.parts.map(([, hex]) => hex).join('');
}

function ofKind(...kinds: string[]): SessionVector[] {
  return session.filter(({ kind }) => kinds.includes(kind));
}

for (const { name, hex, nlmsg, cn, request } of kernel) {
  test(`a datagram of the kernel decodes to its fields: ${name}`, (t) => {
    const decoded = decodeDatagram(fromHex(hex));
    t.true(decoded.ok);
    if (!decoded.ok) return;
    t.is(decoded.messages.length, 1);
    t.is(decoded.trailing, 0);
    const message = decoded.messages[0]!;
    const { len, ...rest } = nlmsg;
    t.deepEqual(message.nlmsg, { length: len, ...rest });
    const { idx, val, len: length, ...genes } = cn;
    t.deepEqual(message.cn, { id: { idx, val }, length, ...genes });
    t.is(toHex(message.payload), hex.slice(72, 72 + 2 * length));
    t.is(toHex(encodeMessage(message.cn, message.payload)), hex, 'and encodes to the same bytes');
  });

  if (request === undefined) continue;
  test(`a request that the kernel took is what encodeMessage writes (P1.1): ${name}`, (t) => {
    const decoded = decodeDatagram(fromHex(request));
    t.true(decoded.ok);
    if (!decoded.ok) return;
    const { nlmsg: header, cn: message, payload } = decoded.messages[0]!;
    t.is(header.type, NLMSG_DONE);
    t.is(toHex(encodeMessage(message, payload)), request);
    t.is(cn.ack, (message.ack + 1) >>> 0, 'the kernel answered it with ack + 1');
  });
}

for (const { name, kind, parts } of session) {
  test(`the fields stand at the offsets of frame.ts: ${name}`, (t) => {
    let at = 0;
    let named = 0;
    let origin = 0;
    for (const [field, hex] of parts) {
      if (field === 'm.idx') origin = at + 20; // offsets in a message count from its payload
      const offset = constants[field];
      if (offset !== undefined) {
        t.is(at - origin, offset, field);
        named += 1;
      }
      at += hex.length / 2;
    }
    t.true(named > 0 || kind === 'CLOSE' || kind === 'PING');
    t.is(at % 4, 0);
  });
}

for (const vector of ofKind('OPEN', 'OPENED')) {
  test(`an opening is written and read as the vector says: ${vector.name}`, (t) => {
    const fields = vector.fields as Opening;
    const slab = new Slab(frame.OPEN_LENGTH);
    t.is(writeOpening(slab, constants[vector.kind] as number, fields), frame.OPEN_LENGTH);
    t.is(toHex(slab.bytes), hexOf(vector));
    t.deepEqual(readOpening(slab, 0, id), fields);
    const shifted = new Slab(fromHex('aabbcc' + hexOf(vector)));
    t.deepEqual(readOpening(shifted, 3, id), fields, 'wherever it stands in the slab');
  });
}

for (const vector of ofKind('REFUSED', 'RESET')) {
  test(`a refusal is written and read as the vector says: ${vector.name}`, (t) => {
    const fields = vector.fields as Refusal;
    const slab = new Slab(frame.REFUSAL_LENGTH);
    t.is(writeRefusal(slab, constants[vector.kind] as number, fields), frame.REFUSAL_LENGTH);
    t.is(toHex(slab.bytes), hexOf(vector));
    const shifted = new Slab(fromHex('aabbcc' + hexOf(vector)));
    t.deepEqual(readRefusal(shifted, 3, id), fields);
  });
}

for (const vector of ofKind('EVENT', 'ASK')) {
  test(`an event is written and read as the vector says (P10.2): ${vector.name}`, (t) => {
    const { news = [], ...head } = vector.fields as EventFields;
    const encoder = new TextEncoder();
    const slab = new Slab(hexOf(vector).length / 2);
    slab.bytes.fill(0xee);
    let at = frame.EVENT_LENGTH;
    const all = news.map(({ topic, format, value }) =>
      ({ topic: encoder.encode(topic), format, value: encoder.encode(value) }));
    all.forEach((each, index) => {
      t.is(newsLength(each), writeNews(slab, at, id, head.number + index, each) - at);
      at += newsLength(each);
    });
    writeEventHead(slab, constants[vector.kind]!, head, at);
    t.is(toHex(slab.bytes.subarray(0, at)), hexOf(vector));
    const shifted = new Slab(fromHex('aabbcc' + hexOf(vector) + 'dd'));
    t.deepEqual(readEventHead(shifted, 3, id), head);
    const end = shifted.bytes.length - 1;
    t.is(countNews(shifted, 3, end, head), news.length);
    let next = 3 + frame.EVENT_LENGTH;
    for (const each of all) {
      t.deepEqual(readNews(shifted, next), each);
      next = newsEnd(shifted, next);
    }
    t.is(next, end);
  });
}

for (const vector of session.filter(({ crc }) => crc !== undefined)) {
  test(`the checksum is that of another implementation (P3.3): ${vector.name}`, (t) => {
    const slab = new Slab(fromHex('aabbcc' + hexOf(vector) + 'dd'));
    const end = slab.bytes.length - 1;
    stampChecksum(slab, 3, end);
    t.is(slab.view.getUint32(3 + frame.AT_CHECKSUM, true), parseInt(vector.crc!, 16));
    t.true(verifyChecksum(slab, 3, end));
    for (let at = 3; at < end; at++) {
      slab.bytes[at]! ^= 0x40;
      if (verifyChecksum(slab, 3, end)) t.fail(`damage at ${at} goes unnoticed`);
      slab.bytes[at]! ^= 0x40;
    }
  });
}

const messageKinds = [
  'REQUEST', 'SEND', 'REPLY', 'CANCEL', 'CLOSE', 'PING',
  'REQUEST_PIECE', 'REPLY_PIECE', 'REQUEST_CREDIT', 'REPLY_CREDIT',
];

function encode(vector: SessionVector): Outgoing {
  const arena = new Arena();
  const fields = vector.fields as MessageFields;
  const identity = { id, seq: fields.seq, ack: fields.ack };
  switch (vector.kind) {
    case 'REQUEST':
    case 'SEND':
      return requestOf(arena, identity, {
        kind: constants[vector.kind]!,
        channel: fields.channel,
        position: fields.position,
        method: Buffer.from(fields.method),
        format: fields.format,
        payload: Buffer.from(fields.payload),
        call: { deadline: NOW + 2.5 },
      });
    case 'REPLY':
      return encodeReply(
        arena, identity, fields.status, fields.format, fromHex(fields.payload), fields.pieces,
      );
    case 'REQUEST_PIECE':
    case 'REPLY_PIECE':
      return encodePiece(arena, identity, constants[vector.kind]!, {
        position: fields.position,
        format: fields.format,
        flags: fields.flags,
        bytes: fromHex(fields.payload),
      });
    case 'REQUEST_CREDIT':
    case 'REPLY_CREDIT':
      return encodeCredit(arena, identity, constants[vector.kind]!, fields.limit);
    case 'CANCEL':
      return encodeCancel(arena, identity, fields.channel, fields.position);
    default:
      return encodeSignal(arena, identity, constants[vector.kind]!);
  }
}

for (const vector of ofKind(...messageKinds)) {
  test(`a message is written as the vector says: ${vector.name}`, (t) => {
    const message = encode(vector);
    const { seq, ack } = vector.fields as MessageFields;
    t.is(toHex(message.bytes), hexOf(vector));
    t.like(message, { kind: constants[vector.kind], seq, ack, transmitted: false, done: false });
    t.true(rowIsWhole(id, message.bytes));
    t.false(rowIsWhole({ idx: 5, val: 5 }, message.bytes));
  });
}

function carrier(fields: DataFields, own: boolean): Carrier {
  const { session: mine, peerSession, tag, grant, number, firstReceived } = fields;
  const options = {
    id,
    traits: fixedTraits({ fifo: true }),
    grainMs: 0.1,
    packedMax: 16_384,
    ownSession: own ? mine : peerSession,
    peerSession: own ? peerSession : mine,
    peerTag: tag,
    firstSent: own ? number : firstReceived + 256,
    firstReceived: own ? firstReceived : number,
    grant,
    ownGrant: () => grant,
    delivered: () => {},
    thinned: () => {},
  };
  return new Carrier(options, 0);
}

/** A DATA datagram without messages or bitmap that carries a number. */
function numbered(number: number): Slab {
  const slab = new Slab(frame.DATA_BITMAP);
  slab.view.setUint16(32, frame.DATA_BITMAP - frame.ENVELOPE, true);
  slab.view.setUint32(24, number >>> 0, true);
  slab.view.setUint32(frame.DATA_NUMBER_HIGH, Math.floor(number / 2 ** 32), true);
  slab.view.setUint32(frame.DATA_FLOOR, (number - 100) >>> 0, true);
  return slab;
}

for (const vector of ofKind('DATA')) {
  const fields = vector.fields as DataFields;
  const request = vector.parts.some(([name]) => name === 'REQUEST_BUDGET');

  test(`a carrier writes what the vector says: ${vector.name}`, (t) => {
    const sender = carrier(fields, true);
    const high = Math.floor(fields.firstReceived / 2 ** 32) * 2 ** 32;
    for (const low of fields.came) {
      const slab = numbered(high + low);
      slab.view.setUint32(frame.DATA_FLOOR, fields.firstReceived >>> 0, true);
      slab.view.setUint32(frame.DATA_ACK_BASE, fields.number >>> 0, true);
      slab.view.setUint32(frame.DATA_GRANT, fields.grant, true);
      t.is(sender.accept(slab, 0, NOW - fields.delayMs), undefined);
    }
    if (request) sender.enqueue(encode(ofKind('REQUEST')[0]!));
    else sender.acknowledgeNow(NOW);
    const slab = new Slab(512);
    slab.bytes.fill(0xee);
    const length = sender.pollTransmit(slab, NOW);
    t.is(toHex(slab.bytes.subarray(0, length)), hexOf(vector));
  });

  test(`a carrier takes what the vector says: ${vector.name}`, (t) => {
    const receiver = carrier(fields, false);
    const slab = new Slab(fromHex('aabbcc' + hexOf(vector)));
    t.is(receiver.accept(slab, 3, NOW), undefined);
    t.is(receiver.accept(slab, 3, NOW), 'duplicate-datagram');
    const answer = new Slab(512);
    receiver.acknowledgeNow(NOW);
    const length = receiver.pollTransmit(answer, NOW);
    t.is(length, frame.DATA_BITMAP);
    const acknowledged = answer.view.getUint32(frame.DATA_ACK_BASE, true);
    t.is(acknowledged, (fields.number + 1) >>> 0);
  });

  test(`a DATA datagram is a bundle to any parser (P1.3): ${vector.name}`, (t) => {
    const decoded = decodeDatagram(fromHex(hexOf(vector)));
    t.true(decoded.ok);
    if (!decoded.ok) return;
    const kinds = decoded.messages.map(({ cn }) => cn.flags);
    t.deepEqual(kinds, request ? [frame.DATA, frame.REQUEST] : [frame.DATA]);
    t.is(decoded.trailing, 0);
  });
}
