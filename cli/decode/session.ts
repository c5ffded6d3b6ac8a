import { kindName, reasonName, statusName, formatName } from './names.ts';
import { LITTLE_ENDIAN, Slab } from '../../core/slab.ts';
import { formatId } from '../../core/id.ts';
import type { NlmsgHeader } from '../../transport/wire/nlmsg.ts';
import { verifyChecksum } from '../../transport/wire/checksum.ts';
import type { Decoded, Message } from '../../transport/wire/datagram.ts';
import * as frame from '../../transport/wire/frame.ts';
import { envelopeLengthMin } from '../../transport/wire/handshake.ts';

/** Named values of one session header. */
export type Fields = Readonly<Record<string, string | number>>;

export interface MessageDescription {
  readonly nlmsg: NlmsgHeader;
  readonly cn: {
    readonly id: string;
    readonly seq: number;
    readonly ack: number;
    readonly length: number;
    readonly flags: number;
  };
  /** What the cn_msg is in a session datagram; absent for a bare message. */
  readonly kind?: string;
  readonly fields?: Fields;
  /** What follows the cn_msg header, or the session header where there is one. */
  readonly payload: string;
}

export interface Description {
  readonly session: boolean;
  readonly messages: readonly MessageDescription[];
  /** Bytes after the last readable message. */
  readonly trailing: number;
  /** What is wrong with the session's part. */
  readonly malformed?: string;
}

type Readable = Extract<Decoded, { readonly ok: true }>;

/** Describes a datagram: headers, and what a session means by them. */
export function describe(bytes: Uint8Array, { messages, trailing }: Readable): Description {
  const envelope = messages[0]!;
  if ((envelope.cn.flags & frame.SESSION_FLAG) === 0 || magicOf(envelope) !== frame.MAGIC) {
    return { session: false, messages: messages.map((message) => describeBare(message)), trailing };
  }
  const least = envelopeLengthMin(envelope.cn.flags);
  if (least === undefined || bytes.length < least) {
    const malformed = notOfSession(envelope.cn.flags, `${bytes.length} bytes in all`);
    return { session: true, messages: messages.map(describeBare), trailing, malformed };
  }
  const slab = new Slab(bytes);
  const rest = messages.slice(1).map(describeInside);
  const first = {
    ...describeBare(envelope),
    kind: kindName(envelope.cn.flags),
    fields: envelopeFields(slab, envelope.cn.flags, bytes.length),
    payload: '',
  };
  const bad = rest.find(({ kind }) => kind === undefined);
  const malformed = bad && notOfSession(bad.cn.flags, `${bad.cn.length} bytes after its header`);
  return {
    session: true,
    messages: [first, ...rest],
    trailing,
    ...(malformed === undefined ? {} : { malformed }),
  };
}

function notOfSession(flags: number, length: string): string {
  return `nothing in a session has flags 0x${flags.toString(16)} and ${length}`;
}

function describeBare({ nlmsg, cn, payload }: Message): MessageDescription {
  const { id, seq, ack, length, flags } = cn;
  return { nlmsg, cn: { id: formatId(id), seq, ack, length, flags }, payload: toHex(payload) };
}

function magicOf({ payload }: Message): number | undefined {
  return payload.length < 4 ? undefined : new Slab(payload).view.getUint32(0, LITTLE_ENDIAN);
}

function envelopeFields(slab: Slab, kind: number, end: number): Fields {
  const word = (at: number): number => slab.view.getUint32(at, LITTLE_ENDIAN);
  const half = (at: number): number => slab.view.getUint16(at, LITTLE_ENDIAN);
  const long = (at: number): string => `0x${hex32(word(at))}${hex32(word(at + 4))}`;
  const common = {
    magic: `0x${hex32(word(frame.AT_MAGIC))}`,
    session: word(frame.AT_SESSION),
    source: word(frame.AT_SOURCE),
    checksum: checksumOf(slab, end, word(frame.AT_CHECKSUM)),
  };
  switch (kind) {
    case frame.OPEN:
    case frame.OPENED:
      return {
        ...common,
        tag: word(frame.OPEN_TAG),
        incarnation: long(frame.OPEN_INCARNATION),
        firstNumber: word(frame.OPEN_FIRST_NUMBER),
        firstSeq: word(frame.OPEN_FIRST_SEQ),
        grant: word(frame.OPEN_GRANT),
        window: word(frame.OPEN_WINDOW),
        valueMax: word(frame.OPEN_VALUE_MAX),
        credit: word(frame.OPEN_CREDIT),
      };
    case frame.REFUSED:
    case frame.RESET:
      return {
        ...common,
        incarnation: long(frame.REFUSAL_INCARNATION),
        reason: reasonName(word(frame.REFUSAL_REASON)),
      };
    case frame.EVENT:
    case frame.ASK:
      return {
        magic: common.magic,
        checksum: common.checksum,
        stream: long(frame.EVENT_STREAM),
        number: word(frame.EVENT_NUMBER_HIGH) * 2 ** 32 + word(frame.EVENT_NUMBER),
        ageMs: word(frame.EVENT_AGE),
        withinMs: word(frame.EVENT_WITHIN),
        ended: (word(frame.EVENT_FLAGS) & frame.EVENT_ENDED) === 0 ? 'no' : 'yes',
      };
    default:
      return {
        ...common,
        number: word(frame.DATA_NUMBER_HIGH) * 2 ** 32 + word(frame.ENVELOPE_CN + 8),
        floor: word(frame.DATA_FLOOR),
        ackBase: word(frame.DATA_ACK_BASE),
        ackDelayUs: word(frame.DATA_ACK_DELAY),
        grant: word(frame.DATA_GRANT),
        late: half(frame.DATA_LATE),
        bitmap: bitmapOf(slab, end),
      };
  }
}

/** The words of the acknowledgement bitmap, each as 32 bits, highest first. */
function bitmapOf(slab: Slab, end: number): string {
  const length = slab.view.getUint16(frame.ENVELOPE_CN + 16, LITTLE_ENDIAN);
  const words: string[] = [];
  const stop = Math.min(end, frame.ENVELOPE + length);
  for (let at = frame.DATA_BITMAP; at + 4 <= stop; at += 4) {
    words.push(hex32(slab.view.getUint32(at, LITTLE_ENDIAN)));
  }
  return words.join(' ');
}

function checksumOf(slab: Slab, end: number, value: number): string {
  if (value === 0) return 'none';
  return `0x${hex32(value)} ${verifyChecksum(slab, 0, end) ? 'right' : 'wrong'}`;
}

/** A message after the envelope; without a kind where its flags or its length fit none. */
function describeInside(message: Message): MessageDescription {
  const bare = describeBare(message);
  const { payload, cn } = message;
  const { view } = new Slab(payload);
  const least = leastLengths[cn.flags];
  if (least === undefined || payload.length < least) return bare;
  const kind = kindName(cn.flags);
  const described = (fields: Fields, from: number): MessageDescription => {
    return { ...bare, kind, fields, payload: toHex(payload.subarray(from)) };
  };
  switch (cn.flags) {
    case frame.REQUEST:
    case frame.SEND: {
      const methodEnd = frame.REQUEST_HEADER + view.getUint8(frame.REQUEST_METHOD_LENGTH);
      const budget = view.getUint32(frame.REQUEST_BUDGET, LITTLE_ENDIAN);
      const fields = {
        method: Buffer.from(payload.subarray(frame.REQUEST_HEADER, methodEnd)).toString(),
        format: formatName(view.getUint8(frame.REQUEST_FORMAT)),
        budgetUs: budget === frame.BUDGET_NONE ? 'none' : budget,
        ...placeOf(view),
      };
      return described(fields, methodEnd);
    }
    case frame.CANCEL:
      return described(placeOf(view), payload.length);
    case frame.REPLY: {
      const status = statusName(view.getUint8(frame.REPLY_STATUS));
      const bits = view.getUint8(frame.REPLY_FORMAT);
      const format = formatName(bits);
      const countEnd = frame.REPLY_HEADER + frame.REPLY_COUNT_LENGTH;
      const counts = (bits & frame.REPLY_AFTER_PIECES) !== 0 && payload.length >= countEnd;
      if (!counts) return described({ status, format }, frame.REPLY_HEADER);
      const pieces = view.getUint32(frame.REPLY_HEADER, LITTLE_ENDIAN);
      return described({ status, format, pieces }, countEnd);
    }
    case frame.REQUEST_PIECE:
    case frame.REPLY_PIECE:
      return described(pieceOf(view), frame.PIECE_HEADER);
    case frame.REQUEST_CREDIT:
    case frame.REPLY_CREDIT:
      return described(
        { limit: view.getUint32(frame.CREDIT_LIMIT, LITTLE_ENDIAN) },
        payload.length,
      );
    case frame.NEWS: {
      const topicEnd = frame.NEWS_HEADER + view.getUint8(frame.NEWS_TOPIC_LENGTH);
      const topic = Buffer.from(payload.subarray(frame.NEWS_HEADER, topicEnd)).toString();
      const format = formatName(view.getUint8(frame.NEWS_FORMAT));
      return described({ topic, format }, topicEnd);
    }
    default:
      return { ...bare, kind };
  }
}

const leastLengths: Readonly<Record<number, number>> = {
  [frame.REQUEST]: frame.REQUEST_HEADER,
  [frame.SEND]: frame.REQUEST_HEADER,
  [frame.CANCEL]: frame.CANCEL_LENGTH,
  [frame.REPLY]: frame.REPLY_HEADER,
  [frame.REQUEST_PIECE]: frame.PIECE_HEADER,
  [frame.REPLY_PIECE]: frame.PIECE_HEADER,
  [frame.REQUEST_CREDIT]: frame.CREDIT_LENGTH,
  [frame.REPLY_CREDIT]: frame.CREDIT_LENGTH,
  [frame.NEWS]: frame.NEWS_HEADER,
  [frame.CLOSE]: 0,
  [frame.PING]: 0,
};

function placeOf(view: DataView): Fields {
  return {
    channel: view.getUint16(frame.REQUEST_CHANNEL, LITTLE_ENDIAN),
    position: view.getUint32(frame.REQUEST_POSITION, LITTLE_ENDIAN),
  };
}

function pieceOf(view: DataView): Fields {
  const flags = view.getUint8(frame.PIECE_FLAGS);
  const goesOn = (flags & frame.PIECE_CONTINUES) !== 0;
  return {
    position: view.getUint32(frame.PIECE_POSITION, LITTLE_ENDIAN),
    format: formatName(view.getUint8(frame.PIECE_FORMAT)),
    then: (flags & frame.PIECE_END) !== 0 ? 'end' : goesOn ? 'more of the value' : 'next value',
  };
}

function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

function hex32(value: number): string {
  return value.toString(16).padStart(8, '0');
}
