import type { Arena } from '../core/arena.ts';
import { put } from '../core/copies.ts';
import { align4, LITTLE_ENDIAN } from '../core/slab.ts';
import type { ConnectorId } from '../core/id.ts';
import type { Piece } from '../reliability/inflow.ts';
import { Outgoing, type Limited } from '../reliability/outgoing.ts';
import { CN_MSG_HEADER, writeCnMsg } from '../transport/wire/cnmsg.ts';
import * as frame from '../transport/wire/frame.ts';

/** Here: V8 loads an imported constant, and tests it, at each use. */
const NATIVE = LITTLE_ENDIAN;
const {
  REPLY_HEADER, REQUEST_HEADER, REQUEST_BUDGET, BUDGET_NONE, REQUEST_CHANNEL,
  REQUEST_METHOD_LENGTH, REQUEST_FORMAT, REQUEST_POSITION, REPLY_COUNT_LENGTH, REPLY,
  REPLY_STATUS, REPLY_FORMAT, REPLY_AFTER_PIECES, PIECE_HEADER, PIECE_POSITION, PIECE_FORMAT,
  PIECE_FLAGS, CREDIT_LENGTH, CREDIT_LIMIT, CANCEL, CANCEL_LENGTH,
} = frame;

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
export const REPLY_HEADERS: number = CN_MSG_HEADER + REPLY_HEADER;

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
  const length = REQUEST_HEADER + method.length + payload.length;
  const at = begin(arena, identity, kind, length);
  const { view, bytes } = arena.slab;
  view.setUint32(at + REQUEST_BUDGET, BUDGET_NONE, NATIVE);
  view.setUint16(at + REQUEST_CHANNEL, place.number, NATIVE);
  view.setUint8(at + REQUEST_METHOD_LENGTH, method.length);
  view.setUint8(at + REQUEST_FORMAT, said.format);
  view.setUint32(at + REQUEST_POSITION, place.position, NATIVE);
  const methodAt = at + REQUEST_HEADER;
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
  const payloadAt = REPLY_HEADER + (pieces === undefined ? 0 : REPLY_COUNT_LENGTH);
  const length = payloadAt + payload.length;
  const at = begin(arena, identity, REPLY, length);
  const { view, bytes } = arena.slab;
  view.setUint8(at + REPLY_STATUS, status);
  view.setUint8(at + REPLY_FORMAT, format);
  if (pieces !== undefined) {
    view.setUint8(at + REPLY_FORMAT, format | REPLY_AFTER_PIECES);
    view.setUint32(at + REPLY_HEADER, pieces, NATIVE);
  }
  put(bytes, payload, at + payloadAt);
  return finish(arena, identity, REPLY, length);
}

/** Encodes a REQUEST_PIECE or REPLY_PIECE, under the seq and ack of what it belongs to. */
export function encodePiece(
  arena: Arena,
  identity: Identity,
  kind: number,
  piece: Piece,
): Outgoing {
  const length = PIECE_HEADER + piece.bytes.length;
  const at = begin(arena, identity, kind, length);
  const { view, bytes } = arena.slab;
  view.setUint32(at + PIECE_POSITION, piece.position, NATIVE);
  view.setUint8(at + PIECE_FORMAT, piece.format);
  view.setUint8(at + PIECE_FLAGS, piece.flags);
  bytes.set(piece.bytes, at + PIECE_HEADER);
  return finish(arena, identity, kind, length);
}

/** Encodes a REQUEST_CREDIT or REPLY_CREDIT: what may have been sent in all. */
export function encodeCredit(
  arena: Arena,
  identity: Identity,
  kind: number,
  limit: number,
): Outgoing {
  const at = begin(arena, identity, kind, CREDIT_LENGTH);
  arena.slab.view.setUint32(at + CREDIT_LIMIT, limit, NATIVE);
  return finish(arena, identity, kind, CREDIT_LENGTH);
}

/** Encodes the CANCEL of a request: its own seq and ack, its channel and position. */
export function encodeCancel(
  arena: Arena,
  identity: Identity,
  channel: number,
  position: number,
): Outgoing {
  const at = begin(arena, identity, CANCEL, CANCEL_LENGTH);
  const { view } = arena.slab;
  view.setUint16(at + REQUEST_CHANNEL, channel, NATIVE);
  view.setUint32(at + REQUEST_POSITION, position, NATIVE);
  return finish(arena, identity, CANCEL, CANCEL_LENGTH);
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
