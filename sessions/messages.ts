import { align4, type Slab } from '../core/slab.ts';
import type { ConnectorId } from '../core/id.ts';
import { LITTLE_ENDIAN } from '../core/slab.ts';
import { CN_MSG_HEADER, cnMsgFlags, cnMsgLength } from '../transport/wire/cnmsg.ts';
import * as frame from '../transport/wire/frame.ts';

/** Here: V8 loads an imported constant, and tests it, at each use. */
const NATIVE = LITTLE_ENDIAN;
const {
  ENVELOPE_CN, DATA_BITMAP, ENVELOPE, BITMAP_WORDS_MAX, REQUEST, SEND, REQUEST_HEADER,
  REQUEST_METHOD_LENGTH, REPLY, REPLY_HEADER, REPLY_FORMAT, REPLY_AFTER_PIECES,
  REPLY_COUNT_LENGTH, REQUEST_PIECE, REPLY_PIECE, PIECE_HEADER, REQUEST_CREDIT, REPLY_CREDIT,
  CREDIT_LENGTH, CANCEL, CANCEL_LENGTH, CLOSE, PING,
} = frame;

/**
 * Where the messages of the DATA datagram slab[start, end) begin; undefined unless the envelope and
 * all messages are whole, of the envelope's connector id, and long enough for their kinds. Checked
 * before anything in a datagram takes effect, so that a damaged or forged one changes nothing
 * (semantics 21).
 */
export function messagesStart(slab: Slab, start: number, end: number): number | undefined {
  const { view } = slab;
  const cn = start + ENVELOPE_CN;
  const length = cnMsgLength(slab, cn);
  const words = (length - (DATA_BITMAP - ENVELOPE)) / 4;
  if (words < 0 || words > BITMAP_WORDS_MAX || !Number.isInteger(words)) return undefined;
  const id = { idx: view.getUint32(cn, NATIVE), val: view.getUint32(cn + 4, NATIVE) };
  const messagesAt = start + ENVELOPE + length;
  let next = messagesAt;
  while (next < end) {
    if (end - next < CN_MSG_HEADER) return undefined;
    const payload = cnMsgLength(slab, next);
    if (next + CN_MSG_HEADER + payload > end) return undefined;
    if (!sameId(slab, next, id) || payload < lengthMin(slab, next)) return undefined;
    next += CN_MSG_HEADER + align4(payload);
  }
  return messagesAt;
}

/** True if the cn_msg at `at` is of connector `id`. */
export function sameId(slab: Slab, at: number, id: ConnectorId): boolean {
  const { view } = slab;
  return (
    view.getUint32(at, NATIVE) === id.idx && view.getUint32(at + 4, NATIVE) === id.val
  );
}

/** The least payload of the message at `at`; Infinity for a kind that does not exist. */
function lengthMin(slab: Slab, at: number): number {
  switch (cnMsgFlags(slab, at)) {
    case REQUEST:
    case SEND: {
      if (cnMsgLength(slab, at) < REQUEST_HEADER) return Infinity;
      const methodAt = at + CN_MSG_HEADER + REQUEST_METHOD_LENGTH;
      return REQUEST_HEADER + slab.view.getUint8(methodAt);
    }
    case REPLY: {
      if (cnMsgLength(slab, at) < REPLY_HEADER) return Infinity;
      const format = slab.view.getUint8(at + CN_MSG_HEADER + REPLY_FORMAT);
      const counts = (format & REPLY_AFTER_PIECES) !== 0;
      return REPLY_HEADER + (counts ? REPLY_COUNT_LENGTH : 0);
    }
    case REQUEST_PIECE:
    case REPLY_PIECE:
      return PIECE_HEADER;
    case REQUEST_CREDIT:
    case REPLY_CREDIT:
      return CREDIT_LENGTH;
    case CANCEL:
      return CANCEL_LENGTH;
    case CLOSE:
    case PING:
      return 0;
    default:
      return Infinity;
  }
}
