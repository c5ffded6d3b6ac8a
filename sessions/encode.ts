import { align4, type Slab } from '../core/slab.ts';
import { LITTLE_ENDIAN } from '../core/slab.ts';
import type { ConnectorId } from '../core/id.ts';
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
  readonly channel: number;
  readonly position: number;
  readonly method: Uint8Array;
  readonly format: number;
  readonly payload: Uint8Array;
  readonly deadline: number;
}

/** Encodes a REQUEST. Its budget is written at each transmission (reliability/carrier.ts). */
export function encodeRequest(scratch: Slab, identity: Identity, parts: RequestParts): Outgoing {
  const { view, bytes } = scratch;
  const { method, payload } = parts;
  const length = frame.REQUEST_HEADER + method.length + payload.length;
  const at = CN_MSG_HEADER;
  writeCnMsg(scratch, 0, identity.id, identity.seq, identity.ack, length, frame.REQUEST);
  view.setUint32(at + frame.REQUEST_BUDGET, frame.BUDGET_NONE, LITTLE_ENDIAN);
  view.setUint16(at + frame.REQUEST_CHANNEL, parts.channel, LITTLE_ENDIAN);
  view.setUint8(at + frame.REQUEST_METHOD_LENGTH, method.length);
  view.setUint8(at + frame.REQUEST_FORMAT, parts.format);
  view.setUint32(at + frame.REQUEST_POSITION, parts.position, LITTLE_ENDIAN);
  bytes.set(method, at + frame.REQUEST_HEADER);
  bytes.set(payload, at + frame.REQUEST_HEADER + method.length);
  return finish(scratch, frame.REQUEST, identity, length, parts.deadline);
}

/** Encodes the REPLY to the request (seq, ack): the same seq, ack + 1, which the caller passes. */
export function encodeReply(
  scratch: Slab,
  identity: Identity,
  status: number,
  format: number,
  payload: Uint8Array,
): Outgoing {
  const length = frame.REPLY_HEADER + payload.length;
  writeCnMsg(scratch, 0, identity.id, identity.seq, identity.ack, length, frame.REPLY);
  scratch.view.setUint32(CN_MSG_HEADER, 0, LITTLE_ENDIAN);
  scratch.view.setUint8(CN_MSG_HEADER + frame.REPLY_STATUS, status);
  scratch.view.setUint8(CN_MSG_HEADER + frame.REPLY_FORMAT, format);
  scratch.bytes.set(payload, CN_MSG_HEADER + frame.REPLY_HEADER);
  return finish(scratch, frame.REPLY, identity, length, Infinity);
}

/** Encodes the CANCEL of a request: its own seq and ack, its channel and position. */
export function encodeCancel(
  scratch: Slab,
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
export function encodeSignal(scratch: Slab, identity: Identity, kind: number): Outgoing {
  writeCnMsg(scratch, 0, identity.id, identity.seq, identity.ack, 0, kind);
  return finish(scratch, kind, identity, 0, Infinity);
}

/** Copies the encoded message to size, padded with zeros: 95 ns where a new slab takes 250. */
function finish(
  scratch: Slab,
  kind: number,
  identity: Identity,
  length: number,
  deadline: number,
): Outgoing {
  const end = CN_MSG_HEADER + length;
  const padded = align4(end);
  scratch.bytes.fill(0, end, padded);
  const bytes = scratch.bytes.slice(0, padded);
  return new Outgoing(kind, identity.seq, identity.ack, bytes, deadline);
}
