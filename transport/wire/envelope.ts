import { CN_MSG_HEADER, cnMsgLength, writeCnMsg } from './cnmsg.ts';
import * as frame from './frame.ts';
import { writeNlmsg } from './nlmsg.ts';
import type { ConnectorId } from '../../core/id.ts';
import { LITTLE_ENDIAN, type Slab } from '../../core/slab.ts';

/** Here: V8 loads an imported constant, and tests it, at each use. */
const NATIVE = LITTLE_ENDIAN;

/** What the envelope of a DATA datagram says. */
export interface DataEnvelope {
  readonly id: ConnectorId;
  /** The session at the receiver, its tag, and the session at the sender. */
  readonly session: number;
  readonly tag: number;
  readonly source: number;
  /** Datagram numbers, whole: up to 2^53. */
  readonly number: number;
  readonly floor: number;
  readonly ackBase: number;
  readonly ackDelayMs: number;
  readonly grant: number;
  readonly late: number;
}

/**
 * Writes the envelope of the DATA datagram slab[0, end). The bitmap, between the envelope's fields
 * and the first message at `messagesAt`, is written by who knows it (reliability/received.ts).
 */
export function writeDataEnvelope(
  slab: Slab,
  messagesAt: number,
  end: number,
  envelope: DataEnvelope,
): void {
  const { view } = slab;
  const { id, tag, number } = envelope;
  const low = number >>> 0;
  writeNlmsg(slab, 0, end, low);
  writeCnMsg(slab, frame.ENVELOPE_CN, id, low, tag, messagesAt - frame.ENVELOPE, frame.DATA);
  view.setUint32(frame.AT_MAGIC, frame.MAGIC, NATIVE);
  view.setUint32(frame.AT_SESSION, envelope.session, NATIVE);
  view.setUint32(frame.AT_CHECKSUM, 0, NATIVE);
  view.setUint32(frame.AT_SOURCE, envelope.source, NATIVE);
  view.setUint32(frame.DATA_NUMBER_HIGH, Math.floor(number / 2 ** 32), NATIVE);
  view.setUint32(frame.DATA_FLOOR, envelope.floor >>> 0, NATIVE);
  view.setUint32(frame.DATA_ACK_BASE, envelope.ackBase >>> 0, NATIVE);
  const delayUs = Math.min(Math.floor(envelope.ackDelayMs * 1000), 0xffff_ffff);
  view.setUint32(frame.DATA_ACK_DELAY, delayUs, NATIVE);
  view.setUint32(frame.DATA_GRANT, envelope.grant, NATIVE);
  view.setUint16(frame.DATA_LATE, envelope.late, NATIVE);
  view.setUint16(frame.DATA_RESERVED, 0, NATIVE);
}

/** Reads the bitmap of the DATA datagram at `start` into `words`, which is reused. */
export function readBitmap(slab: Slab, start: number, words: number[]): void {
  const length = cnMsgLength(slab, start + frame.ENVELOPE_CN);
  const end = start + frame.ENVELOPE + length;
  words.length = 0;
  for (let at = start + frame.DATA_BITMAP; at < end; at += 4) {
    words.push(slab.view.getUint32(at, NATIVE));
  }
}

/** How many numbers from the base on a bitmap speaks of, up to its highest bit. */
export function bitmapReach(words: readonly number[]): number {
  for (let index = words.length - 1; index >= 0; index--) {
    const word = words[index]!;
    if (word !== 0) return 32 * index + 32 - Math.clz32(word);
  }
  return 0;
}

/**
 * Writes what is left to a deadline into the request at `at`: it shrinks with each transmission.
 */
export function writeBudget(slab: Slab, at: number, leftMs: number): void {
  // More than 71 minutes do not fit: no limit then, for the caller keeps the time itself.
  const micros = Math.min(Math.max(0, Math.floor(leftMs * 1000)), frame.BUDGET_NONE);
  slab.view.setUint32(at + CN_MSG_HEADER + frame.REQUEST_BUDGET, micros, NATIVE);
}
