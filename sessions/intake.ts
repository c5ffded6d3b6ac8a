import type { Machines } from './machines.ts';
import { LITTLE_ENDIAN, type Slab } from '../core/slab.ts';
import { CN_MSG_HEADER, cnMsgFlags, cnMsgGenes } from '../transport/wire/cnmsg.ts';
import * as frame from '../transport/wire/frame.ts';

/** Here: V8 loads an imported constant, and tests it, at each use. */
const { REQUEST, SEND, REPLY, PING, CLOSE, CANCEL, REQUEST_PIECE, REPLY_PIECE, REQUEST_CREDIT } =
  frame;

/**
 * Takes the message slab[at, end) of a DATA datagram, which `messagesStart` has checked. Gives
 * whether it was news.
 */
export function takeMessage(
  machines: Machines,
  slab: Slab,
  at: number,
  end: number,
  now: number,
): boolean {
  const kind = cnMsgFlags(slab, at);
  switch (kind) {
    case REQUEST:
    case SEND:
      return machines.responder.handleRequest(kind === SEND, slab, at, end, now);
    case REPLY:
      return machines.caller.handleReply(slab, at, end);
    case PING:
      return true;
    case CLOSE:
      machines.peerClosed = true;
      machines.carrier.acknowledgeNow(now); // the peer waits to forget us
      return true;
    default:
      return takePart(machines, kind, slab, at, end);
  }
}

/** Takes what belongs to a request or a reply. Gives whether it was news. */
function takePart(
  { caller, responder }: Machines,
  kind: number,
  slab: Slab,
  at: number,
  end: number,
): boolean {
  const genes = cnMsgGenes(slab, at);
  const bodyAt = at + CN_MSG_HEADER;
  switch (kind) {
    case CANCEL:
      responder.handleCancel(genes, slab, bodyAt);
      return true;
    case REQUEST_PIECE:
      return responder.handlePiece(genes, slab, bodyAt, end);
    case REPLY_PIECE:
      return caller.handlePiece(genes, slab, bodyAt, end);
    case REQUEST_CREDIT:
      caller.handleCredit(genes, slab.view.getUint32(bodyAt, LITTLE_ENDIAN));
      return true;
    default: // REPLY_CREDIT, the last kind that messagesStart lets through
      responder.handleCredit(genes, slab.view.getUint32(bodyAt, LITTLE_ENDIAN));
      return true;
  }
}
