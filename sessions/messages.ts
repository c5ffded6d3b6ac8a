import { align4, type Slab } from '../core/slab.ts';
import type { ConnectorId } from '../core/id.ts';
import { LITTLE_ENDIAN } from '../core/slab.ts';
import { CN_MSG_HEADER, cnMsgFlags, cnMsgLength } from '../transport/wire/cnmsg.ts';
import * as frame from '../transport/wire/frame.ts';

/**
 * Where the messages of the DATA datagram slab[start, end) begin; undefined unless the envelope and
 * all messages are whole, of the envelope's connector id, and long enough for their kinds. Checked
 * before anything in a datagram takes effect, so that a damaged or forged one changes nothing
 * (semantics 21).
 */
export function messagesStart(slab: Slab, start: number, end: number): number | undefined {
  const { view } = slab;
  const cn = start + frame.ENVELOPE_CN;
  const length = cnMsgLength(slab, cn);
  const words = (length - (frame.DATA_BITMAP - frame.ENVELOPE)) / 4;
  if (words < 0 || words > frame.BITMAP_WORDS_MAX || !Number.isInteger(words)) return undefined;
  const id = { idx: view.getUint32(cn, LITTLE_ENDIAN), val: view.getUint32(cn + 4, LITTLE_ENDIAN) };
  const messagesAt = start + frame.ENVELOPE + length;
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
    view.getUint32(at, LITTLE_ENDIAN) === id.idx && view.getUint32(at + 4, LITTLE_ENDIAN) === id.val
  );
}

/** The least payload of the message at `at`; Infinity for a kind that does not exist. */
function lengthMin(slab: Slab, at: number): number {
  switch (cnMsgFlags(slab, at)) {
    case frame.REQUEST:
    case frame.SEND: {
      if (cnMsgLength(slab, at) < frame.REQUEST_HEADER) return Infinity;
      const methodAt = at + CN_MSG_HEADER + frame.REQUEST_METHOD_LENGTH;
      return frame.REQUEST_HEADER + slab.view.getUint8(methodAt);
    }
    case frame.REPLY: {
      if (cnMsgLength(slab, at) < frame.REPLY_HEADER) return Infinity;
      const format = slab.view.getUint8(at + CN_MSG_HEADER + frame.REPLY_FORMAT);
      const counts = (format & frame.REPLY_AFTER_PIECES) !== 0;
      return frame.REPLY_HEADER + (counts ? frame.REPLY_COUNT_LENGTH : 0);
    }
    case frame.REQUEST_PIECE:
    case frame.REPLY_PIECE:
      return frame.PIECE_HEADER;
    case frame.REQUEST_CREDIT:
    case frame.REPLY_CREDIT:
      return frame.CREDIT_LENGTH;
    case frame.CANCEL:
      return frame.CANCEL_LENGTH;
    case frame.CLOSE:
    case frame.PING:
      return 0;
    default:
      return Infinity;
  }
}
