import type { ConnectorId } from '../../core/id.ts';
import { LITTLE_ENDIAN, type Slab } from '../../core/slab.ts';
import { cnMsgAck, cnMsgSeq, writeCnMsg } from './cnmsg.ts';
import * as frame from './frame.ts';
import { writeNlmsg } from './nlmsg.ts';

/**
 * One process start of one endpoint (semantics 8): 64 random bits. Two numbers, because a `bigint`
 * costs ten times as much and JavaScript's numbers hold 53 bits.
 */
export interface Incarnation {
  readonly high: number;
  readonly low: number;
}

/** Tells whether two incarnations are one. */
export function sameIncarnation(left: Incarnation, right: Incarnation): boolean {
  return left.high === right.high && left.low === right.low;
}

/** OPEN and OPENED: what one side tells the other about itself. */
export interface Opening {
  readonly id: ConnectorId;
  /**
   * OPEN: locally unique and random; OPENED: the same seq, ack + 1, by the rule of the 2005 text.
   */
  readonly seq: number;
  readonly ack: number;
  /** The session at the receiver: 0 in OPEN. */
  readonly session: number;
  /** The session at the sender. */
  readonly source: number;
  readonly tag: number;
  readonly incarnation: Incarnation;
  readonly firstNumber: number;
  readonly firstSeq: number;
  readonly grant: number;
  readonly window: number;
  readonly valueMax: number;
  readonly credit: number;
}

/**
 * REFUSED and RESET: a stateless no. It carries seq and ack + 1 of the datagram that it answers.
 */
export interface Refusal {
  readonly id: ConnectorId;
  readonly seq: number;
  readonly ack: number;
  /** The session at the receiver, which is the refused datagram's source. */
  readonly session: number;
  readonly incarnation: Incarnation;
  readonly reason: number;
}

/** Writes OPEN or OPENED at the start of the slab; gives its length. */
export function writeOpening(slab: Slab, kind: number, opening: Opening): number {
  const { view } = slab;
  writeEnvelope(slab, kind, opening, frame.OPEN_LENGTH, opening.source);
  view.setUint32(frame.OPEN_TAG, opening.tag, LITTLE_ENDIAN);
  view.setUint32(frame.OPEN_INCARNATION, opening.incarnation.high, LITTLE_ENDIAN);
  view.setUint32(frame.OPEN_INCARNATION + 4, opening.incarnation.low, LITTLE_ENDIAN);
  view.setUint32(frame.OPEN_FIRST_NUMBER, opening.firstNumber, LITTLE_ENDIAN);
  view.setUint32(frame.OPEN_FIRST_SEQ, opening.firstSeq, LITTLE_ENDIAN);
  view.setUint32(frame.OPEN_GRANT, opening.grant, LITTLE_ENDIAN);
  view.setUint32(frame.OPEN_WINDOW, opening.window, LITTLE_ENDIAN);
  view.setUint32(frame.OPEN_VALUE_MAX, opening.valueMax, LITTLE_ENDIAN);
  view.setUint32(frame.OPEN_CREDIT, opening.credit, LITTLE_ENDIAN);
  return frame.OPEN_LENGTH;
}

/** Reads OPEN or OPENED; the caller has checked that `OPEN_LENGTH` bytes are there. */
export function readOpening(slab: Slab, start: number, id: ConnectorId): Opening {
  const word = (at: number): number => slab.view.getUint32(start + at, LITTLE_ENDIAN);
  return {
    id,
    seq: cnMsgSeq(slab, start + frame.ENVELOPE_CN),
    ack: cnMsgAck(slab, start + frame.ENVELOPE_CN),
    session: word(frame.AT_SESSION),
    source: word(frame.AT_SOURCE),
    tag: word(frame.OPEN_TAG),
    incarnation: { high: word(frame.OPEN_INCARNATION), low: word(frame.OPEN_INCARNATION + 4) },
    firstNumber: word(frame.OPEN_FIRST_NUMBER),
    firstSeq: word(frame.OPEN_FIRST_SEQ),
    grant: word(frame.OPEN_GRANT),
    window: word(frame.OPEN_WINDOW),
    valueMax: word(frame.OPEN_VALUE_MAX),
    credit: word(frame.OPEN_CREDIT),
  };
}

/** Writes REFUSED or RESET at the start of the slab; gives its length. */
export function writeRefusal(slab: Slab, kind: number, refusal: Refusal): number {
  const { view } = slab;
  writeEnvelope(slab, kind, refusal, frame.REFUSAL_LENGTH, 0);
  view.setUint32(frame.REFUSAL_INCARNATION, refusal.incarnation.high, LITTLE_ENDIAN);
  view.setUint32(frame.REFUSAL_INCARNATION + 4, refusal.incarnation.low, LITTLE_ENDIAN);
  view.setUint32(frame.REFUSAL_REASON, refusal.reason, LITTLE_ENDIAN);
  return frame.REFUSAL_LENGTH;
}

/** Reads REFUSED or RESET; the caller has checked that `REFUSAL_LENGTH` bytes are there. */
export function readRefusal(slab: Slab, start: number, id: ConnectorId): Refusal {
  const word = (at: number): number => slab.view.getUint32(start + at, LITTLE_ENDIAN);
  return {
    id,
    seq: cnMsgSeq(slab, start + frame.ENVELOPE_CN),
    ack: cnMsgAck(slab, start + frame.ENVELOPE_CN),
    session: word(frame.AT_SESSION),
    incarnation: {
      high: word(frame.REFUSAL_INCARNATION),
      low: word(frame.REFUSAL_INCARNATION + 4),
    },
    reason: word(frame.REFUSAL_REASON),
  };
}

/** The shortest datagram of a kind; undefined if there is no such envelope. */
export function envelopeLengthMin(kind: number): number | undefined {
  switch (kind) {
    case frame.OPEN:
    case frame.OPENED:
      return frame.OPEN_LENGTH;
    case frame.REFUSED:
    case frame.RESET:
      return frame.REFUSAL_LENGTH;
    case frame.DATA:
      return frame.DATA_BITMAP;
    case frame.EVENT:
    case frame.ASK:
      return frame.EVENT_LENGTH;
    default:
      return undefined;
  }
}

function writeEnvelope(
  slab: Slab,
  kind: number,
  head: { id: ConnectorId; seq: number; ack: number; session: number },
  length: number,
  source: number,
): void {
  writeNlmsg(slab, 0, length, head.seq);
  writeCnMsg(slab, frame.ENVELOPE_CN, head.id, head.seq, head.ack, length - frame.ENVELOPE, kind);
  slab.view.setUint32(frame.AT_MAGIC, frame.MAGIC, LITTLE_ENDIAN);
  slab.view.setUint32(frame.AT_SESSION, head.session, LITTLE_ENDIAN);
  slab.view.setUint32(frame.AT_CHECKSUM, 0, LITTLE_ENDIAN);
  slab.view.setUint32(frame.AT_SOURCE, source, LITTLE_ENDIAN);
}
