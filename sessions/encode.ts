import { align4, LITTLE_ENDIAN } from '../core/slab.ts';
import type { Scratch } from '../core/scratch.ts';
import type { ConnectorId } from '../core/id.ts';
import type { Piece } from '../reliability/inflow.ts';
import { Outgoing } from '../reliability/outgoing.ts';
import { CN_MSG_HEADER, writeCnMsg } from '../transport/wire/cnmsg.ts';
import * as frame from '../transport/wire/frame.ts';

/** What a message is known by. */
export interface Identity {
  readonly id: ConnectorId;
  readonly seq: number;
  readonly ack: number;
}

/** The longest method name, in bytes. */
export const METHOD_LENGTH_MAX = 0xff;

/** Holds what a REQUEST says besides its identity. */
export interface RequestParts {
  /** REQUEST or SEND. */
  readonly kind: number;
  readonly channel: number;
  readonly position: number;
  readonly method: Uint8Array;
  /** How the payload is written, and the three bits that belong to the request. */
  readonly format: number;
  readonly payload: Uint8Array;
  readonly deadline: number;
}

/** Encodes a REQUEST or SEND. Its budget is written at each transmission (carrier.ts). */
export function encodeRequest(scratch: Scratch, identity: Identity, parts: RequestParts): Outgoing {
  const { view, bytes } = scratch;
  const { method, payload } = parts;
  const length = frame.REQUEST_HEADER + method.length + payload.length;
  const at = CN_MSG_HEADER;
  writeCnMsg(scratch, 0, identity.id, identity.seq, identity.ack, length, parts.kind);
  view.setUint32(at + frame.REQUEST_BUDGET, frame.BUDGET_NONE, LITTLE_ENDIAN);
  view.setUint16(at + frame.REQUEST_CHANNEL, parts.channel, LITTLE_ENDIAN);
  view.setUint8(at + frame.REQUEST_METHOD_LENGTH, method.length);
  view.setUint8(at + frame.REQUEST_FORMAT, parts.format);
  view.setUint32(at + frame.REQUEST_POSITION, parts.position, LITTLE_ENDIAN);
  bytes.set(method, at + frame.REQUEST_HEADER);
  bytes.set(payload, at + frame.REQUEST_HEADER + method.length);
  return finish(scratch, parts.kind, identity, length, parts.deadline);
}

/**
 * Encodes the REPLY to the request (seq, ack): the same seq, ack + 1, which the caller passes. With
 * `pieces`, it says how many go before it.
 */
export function encodeReply(
  scratch: Scratch,
  identity: Identity,
  status: number,
  format: number,
  payload: Uint8Array,
  pieces?: number,
): Outgoing {
  const { view, bytes } = scratch;
  const payloadAt = frame.REPLY_HEADER + (pieces === undefined ? 0 : frame.REPLY_COUNT_LENGTH);
  const length = payloadAt + payload.length;
  const at = CN_MSG_HEADER;
  writeCnMsg(scratch, 0, identity.id, identity.seq, identity.ack, length, frame.REPLY);
  view.setUint32(at, 0, LITTLE_ENDIAN);
  view.setUint8(at + frame.REPLY_STATUS, status);
  view.setUint8(at + frame.REPLY_FORMAT, format);
  if (pieces !== undefined) {
    view.setUint8(at + frame.REPLY_FORMAT, format | frame.REPLY_AFTER_PIECES);
    view.setUint32(at + frame.REPLY_HEADER, pieces, LITTLE_ENDIAN);
  }
  bytes.set(payload, at + payloadAt);
  return finish(scratch, frame.REPLY, identity, length, Infinity);
}

/** Encodes a REQUEST_PIECE or REPLY_PIECE, under the seq and ack of what it belongs to. */
export function encodePiece(
  scratch: Scratch,
  identity: Identity,
  kind: number,
  piece: Piece,
): Outgoing {
  const { view, bytes } = scratch;
  const length = frame.PIECE_HEADER + piece.bytes.length;
  const at = CN_MSG_HEADER;
  writeCnMsg(scratch, 0, identity.id, identity.seq, identity.ack, length, kind);
  view.setUint32(at + frame.PIECE_POSITION, piece.position, LITTLE_ENDIAN);
  view.setUint32(at + frame.PIECE_FORMAT, 0, LITTLE_ENDIAN);
  view.setUint8(at + frame.PIECE_FORMAT, piece.format);
  view.setUint8(at + frame.PIECE_FLAGS, piece.flags);
  bytes.set(piece.bytes, at + frame.PIECE_HEADER);
  return finish(scratch, kind, identity, length, Infinity);
}

/** Encodes a REQUEST_CREDIT or REPLY_CREDIT: what may have been sent in all. */
export function encodeCredit(
  scratch: Scratch,
  identity: Identity,
  kind: number,
  limit: number,
): Outgoing {
  const { id, seq, ack } = identity;
  writeCnMsg(scratch, 0, id, seq, ack, frame.CREDIT_LENGTH, kind);
  scratch.view.setUint32(CN_MSG_HEADER + frame.CREDIT_LIMIT, limit, LITTLE_ENDIAN);
  return finish(scratch, kind, identity, frame.CREDIT_LENGTH, Infinity);
}

/** Encodes the CANCEL of a request: its own seq and ack, its channel and position. */
export function encodeCancel(
  scratch: Scratch,
  identity: Identity,
  channel: number,
  position: number,
): Outgoing {
  const at = CN_MSG_HEADER;
  writeCnMsg(
    scratch,
    0,
    identity.id,
    identity.seq,
    identity.ack,
    frame.CANCEL_LENGTH,
    frame.CANCEL,
  );
  scratch.bytes.fill(0, at, at + frame.CANCEL_LENGTH);
  scratch.view.setUint16(at + frame.REQUEST_CHANNEL, channel, LITTLE_ENDIAN);
  scratch.view.setUint32(at + frame.REQUEST_POSITION, position, LITTLE_ENDIAN);
  return finish(scratch, frame.CANCEL, identity, frame.CANCEL_LENGTH, Infinity);
}

/** Encodes a message that says all by its kind: CLOSE or PING. */
export function encodeSignal(scratch: Scratch, identity: Identity, kind: number): Outgoing {
  writeCnMsg(scratch, 0, identity.id, identity.seq, identity.ack, 0, kind);
  return finish(scratch, kind, identity, 0, Infinity);
}

/** Keeps the encoded message, padded with zeros. */
function finish(
  scratch: Scratch,
  kind: number,
  identity: Identity,
  length: number,
  deadline: number,
): Outgoing {
  const end = CN_MSG_HEADER + length;
  const padded = align4(end);
  scratch.bytes.fill(0, end, padded);
  return new Outgoing(kind, identity.seq, identity.ack, scratch.keep(padded), deadline);
}
