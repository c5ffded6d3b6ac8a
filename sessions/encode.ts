import type { Arena } from '../core/arena.ts';
import { put } from '../core/copies.ts';
import { align4, LITTLE_ENDIAN } from '../core/slab.ts';
import type { ConnectorId } from '../core/id.ts';
import type { Piece } from '../reliability/inflow.ts';
import { Outgoing, type Limited } from '../reliability/outgoing.ts';
import { CN_MSG_HEADER, writeCnMsg } from '../transport/wire/cnmsg.ts';
import * as frame from '../transport/wire/frame.ts';

/** What a message is known by. */
export interface Identity {
  readonly id: ConnectorId;
  readonly seq: number;
  readonly ack: number;
}

/**
 * Names one message after the other: an identity is read while its message is encoded, and then no
 * more, so that one object does for all. The numbers are signed: V8 makes objects of larger ones.
 */
export class Naming implements Identity {
  readonly id: ConnectorId;
  seq = 0;
  ack = 0;

  constructor(id: ConnectorId) {
    this.id = id;
  }

  of(seq: number, ack: number): Identity {
    this.seq = seq | 0;
    this.ack = ack | 0;
    return this;
  }
}

/** What a reply takes besides its payload, bytes. */
export const REPLY_HEADERS: number = CN_MSG_HEADER + frame.REPLY_HEADER;

/** The longest method name, in bytes. */
export const METHOD_LENGTH_MAX = 0xff;

/** What a REQUEST says. */
export interface Said {
  readonly method: Uint8Array;
  /** How the payload is written, and the three bits that belong to the request. */
  readonly format: number;
  /** The payload. */
  readonly bytes: Uint8Array;
}

/**
 * Encodes a REQUEST or SEND (`kind`). It states the time left of `call`, which is written at each
 * transmission (reliability/packing.ts).
 */
export function encodeRequest(
  arena: Arena,
  identity: Identity,
  kind: number,
  place: { readonly number: number; readonly position: number },
  said: Said,
  call: Limited,
): Outgoing {
  const { method, bytes: payload } = said;
  const length = frame.REQUEST_HEADER + method.length + payload.length;
  const at = begin(arena, identity, kind, length);
  const { view, bytes } = arena.slab;
  view.setUint32(at + frame.REQUEST_BUDGET, frame.BUDGET_NONE, LITTLE_ENDIAN);
  view.setUint16(at + frame.REQUEST_CHANNEL, place.number, LITTLE_ENDIAN);
  view.setUint8(at + frame.REQUEST_METHOD_LENGTH, method.length);
  view.setUint8(at + frame.REQUEST_FORMAT, said.format);
  view.setUint32(at + frame.REQUEST_POSITION, place.position, LITTLE_ENDIAN);
  const methodAt = at + frame.REQUEST_HEADER;
  for (let index = 0; index < method.length; index++) bytes[methodAt + index] = method[index]!;
  put(bytes, payload, methodAt + method.length);
  return finish(arena, identity, kind, length, call);
}

/**
 * Encodes the REPLY to the request (seq, ack): the same seq, ack + 1, which the caller passes. With
 * `pieces`, it says how many go before it.
 */
export function encodeReply(
  arena: Arena,
  identity: Identity,
  status: number,
  format: number,
  payload: Uint8Array,
  pieces?: number,
): Outgoing {
  const payloadAt = frame.REPLY_HEADER + (pieces === undefined ? 0 : frame.REPLY_COUNT_LENGTH);
  const length = payloadAt + payload.length;
  const at = begin(arena, identity, frame.REPLY, length);
  const { view, bytes } = arena.slab;
  view.setUint8(at + frame.REPLY_STATUS, status);
  view.setUint8(at + frame.REPLY_FORMAT, format);
  if (pieces !== undefined) {
    view.setUint8(at + frame.REPLY_FORMAT, format | frame.REPLY_AFTER_PIECES);
    view.setUint32(at + frame.REPLY_HEADER, pieces, LITTLE_ENDIAN);
  }
  put(bytes, payload, at + payloadAt);
  return finish(arena, identity, frame.REPLY, length);
}

/** Encodes a REQUEST_PIECE or REPLY_PIECE, under the seq and ack of what it belongs to. */
export function encodePiece(
  arena: Arena,
  identity: Identity,
  kind: number,
  piece: Piece,
): Outgoing {
  const length = frame.PIECE_HEADER + piece.bytes.length;
  const at = begin(arena, identity, kind, length);
  const { view, bytes } = arena.slab;
  view.setUint32(at + frame.PIECE_POSITION, piece.position, LITTLE_ENDIAN);
  view.setUint8(at + frame.PIECE_FORMAT, piece.format);
  view.setUint8(at + frame.PIECE_FLAGS, piece.flags);
  bytes.set(piece.bytes, at + frame.PIECE_HEADER);
  return finish(arena, identity, kind, length);
}

/** Encodes a REQUEST_CREDIT or REPLY_CREDIT: what may have been sent in all. */
export function encodeCredit(
  arena: Arena,
  identity: Identity,
  kind: number,
  limit: number,
): Outgoing {
  const at = begin(arena, identity, kind, frame.CREDIT_LENGTH);
  arena.slab.view.setUint32(at + frame.CREDIT_LIMIT, limit, LITTLE_ENDIAN);
  return finish(arena, identity, kind, frame.CREDIT_LENGTH);
}

/** Encodes the CANCEL of a request: its own seq and ack, its channel and position. */
export function encodeCancel(
  arena: Arena,
  identity: Identity,
  channel: number,
  position: number,
): Outgoing {
  const at = begin(arena, identity, frame.CANCEL, frame.CANCEL_LENGTH);
  const { view } = arena.slab;
  view.setUint16(at + frame.REQUEST_CHANNEL, channel, LITTLE_ENDIAN);
  view.setUint32(at + frame.REQUEST_POSITION, position, LITTLE_ENDIAN);
  return finish(arena, identity, frame.CANCEL, frame.CANCEL_LENGTH);
}

/** Encodes a message that says all by its kind: CLOSE or PING. */
export function encodeSignal(arena: Arena, identity: Identity, kind: number): Outgoing {
  begin(arena, identity, kind, 0);
  return finish(arena, identity, kind, 0);
}

/** Takes the memory, all zero, and writes the header; gives where the payload begins. */
function begin(arena: Arena, identity: Identity, kind: number, length: number): number {
  const at = arena.reserve(align4(CN_MSG_HEADER + length));
  writeCnMsg(arena.slab, at, identity.id, identity.seq, identity.ack, length, kind);
  return at + CN_MSG_HEADER;
}

function finish(
  arena: Arena,
  identity: Identity,
  kind: number,
  length: number,
  call?: Limited,
): Outgoing {
  const size = align4(CN_MSG_HEADER + length);
  return new Outgoing(kind, identity.seq, identity.ack, arena.slab, arena.at, size, call);
}
