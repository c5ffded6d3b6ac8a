import type { ConnectorId } from '../../core/id.ts';
import { align4, LITTLE_ENDIAN, type Slab } from '../../core/slab.ts';
import { CN_MSG_HEADER, cnMsgAck, cnMsgFlags, cnMsgLength, cnMsgSeq, writeCnMsg } from './cnmsg.ts';
import * as frame from './frame.ts';
import type { Incarnation } from './handshake.ts';
import { writeNlmsg } from './nlmsg.ts';

/** Holds what EVENT and ASK say before any messages. */
export interface EventHead {
  readonly id: ConnectorId;
  readonly seq: number;
  readonly ack: number;
  /** Of the first event in the datagram, or of the next to come if there is none in it. */
  readonly number: number;
  readonly stream: Incarnation;
  /** From the making of the stream to the sending; `frame.AGE_MAX`: that or more. */
  readonly ageMs: number;
  /** The publisher sends again within so many ms; 0: it need not. */
  readonly withinMs: number;
  readonly ended: boolean;
}

/** The name of no stream: the answer of an endpoint that publishes nothing. */
export const NO_STREAM: Incarnation = { high: 0, low: 0 };

/** Writes the name of a stream: 16 hexadecimal digits. */
export function formatStream({ high, low }: Incarnation): string {
  return high.toString(16).padStart(8, '0') + low.toString(16).padStart(8, '0');
}

/** Writes EVENT or ASK at the start of the slab, for a datagram of `length` bytes in all. */
export function writeEventHead(slab: Slab, kind: number, head: EventHead, length: number): void {
  const { view } = slab;
  const own = frame.EVENT_LENGTH - frame.ENVELOPE;
  writeNlmsg(slab, 0, length, head.seq);
  writeCnMsg(slab, frame.ENVELOPE_CN, head.id, head.seq, head.ack, own, kind);
  view.setUint32(frame.AT_MAGIC, frame.MAGIC, LITTLE_ENDIAN);
  view.setUint32(frame.AT_CHECKSUM, 0, LITTLE_ENDIAN);
  view.setUint32(frame.EVENT_NUMBER_HIGH, Math.floor(head.number / 2 ** 32), LITTLE_ENDIAN);
  view.setUint32(frame.EVENT_NUMBER, head.number >>> 0, LITTLE_ENDIAN);
  view.setUint32(frame.EVENT_STREAM, head.stream.high, LITTLE_ENDIAN);
  view.setUint32(frame.EVENT_STREAM + 4, head.stream.low, LITTLE_ENDIAN);
  view.setUint32(frame.EVENT_AGE, Math.min(Math.floor(head.ageMs), frame.AGE_MAX), LITTLE_ENDIAN);
  view.setUint32(frame.EVENT_WITHIN, Math.ceil(head.withinMs), LITTLE_ENDIAN);
  view.setUint32(frame.EVENT_FLAGS, head.ended ? frame.EVENT_ENDED : 0, LITTLE_ENDIAN);
}

/** Reads EVENT or ASK; the caller has checked that `EVENT_LENGTH` bytes are there. */
export function readEventHead(slab: Slab, start: number, id: ConnectorId): EventHead {
  const word = (at: number): number => slab.view.getUint32(start + at, LITTLE_ENDIAN);
  return {
    id,
    seq: cnMsgSeq(slab, start + frame.ENVELOPE_CN),
    ack: cnMsgAck(slab, start + frame.ENVELOPE_CN),
    number: word(frame.EVENT_NUMBER_HIGH) * 2 ** 32 + word(frame.EVENT_NUMBER),
    stream: { high: word(frame.EVENT_STREAM), low: word(frame.EVENT_STREAM + 4) },
    ageMs: word(frame.EVENT_AGE),
    withinMs: word(frame.EVENT_WITHIN),
    ended: (word(frame.EVENT_FLAGS) & frame.EVENT_ENDED) !== 0,
  };
}

/** Holds what one event says besides its number. */
export interface News {
  readonly topic: Uint8Array;
  readonly format: number;
  readonly value: Uint8Array;
}

/** The longest topic, bytes: its length is a u8. */
export const TOPIC_LENGTH_MAX = 0xff;

/** What a datagram of one event takes besides its value, at most. */
export const EVENT_OVERHEAD: number = align4(
  frame.EVENT_LENGTH + CN_MSG_HEADER + frame.NEWS_HEADER + TOPIC_LENGTH_MAX,
);

/** The bytes that a NEWS takes in a datagram, padding included. */
export function newsLength(news: News): number {
  return CN_MSG_HEADER + align4(frame.NEWS_HEADER + news.topic.length + news.value.length);
}

/** Writes the event of a number at `at`; gives where the next one begins. */
export function writeNews(
  slab: Slab,
  at: number,
  id: ConnectorId,
  number: number,
  news: News,
): number {
  const { bytes, view } = slab;
  const { topic, format, value } = news;
  const length = frame.NEWS_HEADER + topic.length + value.length;
  const payload = at + CN_MSG_HEADER;
  writeCnMsg(slab, at, id, number >>> 0, 0, length, frame.NEWS);
  view.setUint32(payload, 0, LITTLE_ENDIAN);
  view.setUint8(payload + frame.NEWS_TOPIC_LENGTH, topic.length);
  view.setUint8(payload + frame.NEWS_FORMAT, format);
  bytes.set(topic, payload + frame.NEWS_HEADER);
  bytes.set(value, payload + frame.NEWS_HEADER + topic.length);
  const next = payload + align4(length);
  bytes.fill(0, payload + length, next);
  return next;
}

/** Reads the NEWS at `at`, which `countNews` found whole, into memory of its own. */
export function readNews(slab: Slab, at: number): News {
  const payload = at + CN_MSG_HEADER;
  const bytes = slab.bytes.slice(payload, payload + cnMsgLength(slab, at));
  const topicEnd = frame.NEWS_HEADER + bytes[frame.NEWS_TOPIC_LENGTH]!;
  return {
    topic: bytes.subarray(frame.NEWS_HEADER, topicEnd),
    format: bytes[frame.NEWS_FORMAT]!,
    value: bytes.subarray(topicEnd),
  };
}

/** Where the cn_msg after the whole one at `at` begins. */
export function newsEnd(slab: Slab, at: number): number {
  return at + CN_MSG_HEADER + align4(cnMsgLength(slab, at));
}

/**
 * How many events the EVENT at slab[start, end) holds; undefined unless all of it is whole, of the
 * head's id and numbered from the head's number on. Checked before anything takes effect.
 */
export function countNews(
  slab: Slab,
  start: number,
  end: number,
  head: EventHead,
): number | undefined {
  const { view } = slab;
  const own = frame.EVENT_LENGTH - frame.ENVELOPE;
  if (cnMsgLength(slab, start + frame.ENVELOPE_CN) !== own) return undefined;
  let count = 0;
  let at = start + frame.EVENT_LENGTH;
  while (at < end) {
    if (end - at < CN_MSG_HEADER + frame.NEWS_HEADER) return undefined;
    const payload = cnMsgLength(slab, at);
    const next = at + CN_MSG_HEADER + payload;
    const topic = view.getUint8(at + CN_MSG_HEADER + frame.NEWS_TOPIC_LENGTH);
    if (next > end || payload < frame.NEWS_HEADER + topic) return undefined;
    const sameId =
      view.getUint32(at, LITTLE_ENDIAN) === head.id.idx &&
      view.getUint32(at + 4, LITTLE_ENDIAN) === head.id.val;
    if (!sameId || cnMsgFlags(slab, at) !== frame.NEWS) return undefined;
    if (cnMsgSeq(slab, at) !== (head.number + count) >>> 0) return undefined;
    count += 1;
    at = newsEnd(slab, at);
  }
  return count;
}
