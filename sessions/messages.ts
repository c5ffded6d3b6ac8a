import { align4, type Slab } from '../core/slab.ts';
import type { ConnectorId } from '../core/id.ts';
import { LITTLE_ENDIAN } from '../core/slab.ts';
import { CN_MSG_HEADER, cnMsgFlags, cnMsgLength } from '../transport/wire/cnmsg.ts';
import * as frame from '../transport/wire/frame.ts';

/**
 * True if slab[at, end) is a row of whole session messages of connector `id`, each long enough for
 * its kind. Checked before anything in a datagram takes effect, so that a damaged or forged one
 * changes nothing (semantics 21).
 */
export function messagesAreWhole(slab: Slab, at: number, end: number, id: ConnectorId): boolean {
  const { view } = slab;
  let next = at;
  while (next < end) {
    if (end - next < CN_MSG_HEADER) return false;
    const length = cnMsgLength(slab, next);
    if (next + CN_MSG_HEADER + length > end) return false;
    if (view.getUint32(next, LITTLE_ENDIAN) !== id.idx) return false;
    if (view.getUint32(next + 4, LITTLE_ENDIAN) !== id.val) return false;
    if (length < lengthMin(slab, next)) return false;
    next += CN_MSG_HEADER + align4(length);
  }
  return true;
}

/** The least payload of the message at `at`; Infinity for a kind that does not exist. */
function lengthMin(slab: Slab, at: number): number {
  switch (cnMsgFlags(slab, at)) {
    case frame.REQUEST: {
      if (cnMsgLength(slab, at) < frame.REQUEST_HEADER) return Infinity;
      const methodAt = at + CN_MSG_HEADER + frame.REQUEST_METHOD_LENGTH;
      return frame.REQUEST_HEADER + slab.view.getUint8(methodAt);
    }
    case frame.REPLY:
      return frame.REPLY_HEADER;
    case frame.CANCEL:
      return frame.CANCEL_LENGTH;
    case frame.CLOSE:
      return 0;
    default:
      return Infinity;
  }
}
