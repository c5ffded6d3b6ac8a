import type { BareExchange } from './bare.ts';
import type { Drop } from './counters.ts';
import type { Demux } from './demux.ts';
import type { EventExchange } from './events/exchange.ts';
import { usable, type Handshakes } from './handshakes.ts';
import { messagesStart } from './messages.ts';
import type { Resources } from './resources.ts';
import type { Service } from './service.ts';
import { formatId, type ConnectorId } from '../core/id.ts';
import { LITTLE_ENDIAN, Slab } from '../core/slab.ts';
import { seqPlus } from '../reliability/sequence.ts';
import type { Peer, Source } from '../transport/transport.ts';
import { stampChecksum, verifyChecksum } from '../transport/wire/checksum.ts';
import { cnMsgAck, cnMsgFlags, cnMsgLength, cnMsgSeq } from '../transport/wire/cnmsg.ts';
import { nlmsgMalformation } from '../transport/wire/datagram.ts';
import * as frame from '../transport/wire/frame.ts';
import {
  envelopeLengthMin,
  readOpening,
  readRefusal,
  sameIncarnation,
  writeOpening,
  writeRefusal,
  type Incarnation,
} from '../transport/wire/handshake.ts';
import { nlmsgLength } from '../transport/wire/nlmsg.ts';

/** A handshake datagram to be sent once; if it is lost, the peer asks again. */
export interface ControlDatagram {
  readonly peer: Peer;
  readonly bytes: Slab;
}

/** Ties a router to the tables of its endpoint. */
export interface RouterParts {
  readonly resources: Resources;
  readonly incarnation: Incarnation;
  readonly demux: Demux;
  readonly handshakes: Handshakes;
  readonly bare: BareExchange;
  readonly events: EventExchange;
  /** The service of an id, as `formatId` writes it. */
  readonly services: ReadonlyMap<string, Service>;
  readonly send: (datagram: ControlDatagram) => void;
}

/**
 * The way in: one datagram from a peer, to the session, the handshake or the bare exchange that it
 * is for. Sans-IO; never throws for anything that is in the bytes; each datagram is good or is
 * counted under exactly one reason.
 */
export class Router {
  readonly #parts: RouterParts;

  constructor(parts: RouterParts) {
    this.#parts = parts;
  }

  /** Takes the datagram at slab[start, end). Gives why it was dropped, if it was. */
  handleDatagram(
    slab: Slab,
    start: number,
    end: number,
    source: Source,
    now: number,
  ): Drop | undefined {
    const malformation = nlmsgMalformation(slab, start, end);
    if (malformation !== undefined) return malformation;
    const nlmsgEnd = start + nlmsgLength(slab, start);
    if (!isSession(slab, start, nlmsgEnd)) {
      return this.#parts.bare.handleDatagram(slab, start, end, source, now);
    }
    const kind = cnMsgFlags(slab, start + frame.ENVELOPE_CN);
    const version = slab.view.getUint32(start + frame.AT_MAGIC, LITTLE_ENDIAN);
    if (version !== frame.MAGIC) return 'version';
    const lengthMin = envelopeLengthMin(kind);
    const length = frame.ENVELOPE + cnMsgLength(slab, start + frame.ENVELOPE_CN);
    if (lengthMin === undefined || length < lengthMin) return 'malformed';
    if (!this.#parts.resources.traits.intact && !verifyChecksum(slab, start, nlmsgEnd)) {
      return 'checksum';
    }
    const id = readId(slab, start);
    switch (kind) {
      case frame.DATA:
        return this.#handleData(slab, start, nlmsgEnd, source.peer, now);
      case frame.OPEN:
        return this.#handleOpen(slab, start, id, source);
      case frame.OPENED:
        return this.#handleOpened(slab, start, id, source);
      case frame.REFUSED:
        return this.#handleRefused(slab, start, id, source.peer);
      case frame.EVENT:
        return this.#parts.events.handleEvent(slab, start, nlmsgEnd, id, source);
      case frame.ASK:
        return this.#parts.events.handleAsk(slab, start, id, source.peer);
      default: // RESET, the last kind that envelopeLengthMin knows
        return this.#handleReset(slab, start, id, source.peer);
    }
  }

  #handleData(slab: Slab, start: number, end: number, peer: Peer, now: number): Drop | undefined {
    const { demux, resources, services } = this.#parts;
    const messagesAt = messagesStart(slab, start, end);
    if (messagesAt === undefined) return 'malformed';
    const number = slab.view.getUint32(start + frame.AT_SESSION, LITTLE_ENDIAN);
    const from = slab.view.getUint32(start + frame.AT_SOURCE, LITTLE_ENDIAN);
    const tag = cnMsgAck(slab, start + frame.ENVELOPE_CN);
    const session = demux.route(number, from, tag, peer, now);
    if (typeof session === 'string') {
      this.#refuse(frame.RESET, slab, start, peer, demux.resetReason(number));
      return session;
    }
    if (session.accepted && session.service === undefined && session.state === 'open') {
      session.service = services.get(formatId(session.id));
      // Offered before the service began to close, used after.
      if (session.service === undefined || session.service.draining) void session.drain();
    }
    resources.touched(session);
    return session.handleData(slab, start, messagesAt, end, now);
  }

  #handleOpen(slab: Slab, start: number, id: ConnectorId, source: Source): Drop | undefined {
    const opening = readOpening(slab, start, id);
    const { peer } = source;
    if (!usable(opening)) return 'malformed';
    const service = this.#parts.services.get(formatId(id));
    if (service === undefined) {
      this.#refuse(frame.REFUSED, slab, start, peer, frame.REASON_NO_SERVICE);
      return 'no-service';
    }
    if (service.draining) {
      this.#refuse(frame.REFUSED, slab, start, peer, frame.REASON_CLOSED);
      return 'closed';
    }
    if (!service.allows(source)) {
      this.#refuse(frame.REFUSED, slab, start, peer, frame.REASON_DENIED);
      return 'denied';
    }
    const offer = this.#parts.demux.offer(
      id,
      peer,
      opening,
      this.#parts.resources.grant(),
      source.credentials,
    );
    if (typeof offer === 'number') {
      this.#refuse(frame.REFUSED, slab, start, peer, offer);
      return 'over-limit';
    }
    const { own } = offer;
    const bytes = new Slab(frame.OPEN_LENGTH);
    writeOpening(bytes, frame.OPENED, {
      id,
      seq: opening.seq,
      ack: seqPlus(opening.ack, 1),
      session: opening.source,
      source: own.session,
      tag: own.tag,
      incarnation: this.#parts.incarnation,
      firstNumber: own.firstNumber,
      firstSeq: own.firstSeq,
      grant: own.grant,
      window: own.window,
      valueMax: own.valueMax,
      credit: own.credit,
    });
    this.#send(peer, bytes);
    return undefined;
  }

  #handleOpened(slab: Slab, start: number, id: ConnectorId, source: Source): Drop | undefined {
    const opening = readOpening(slab, start, id);
    const handshake = this.#parts.handshakes.complete(opening, source.peer);
    if (handshake === undefined) return 'unexpected';
    const { credentials } = source;
    handshake.answered({ ok: true, opening, credentials: credentials && { ...credentials } });
    return undefined;
  }

  #handleRefused(slab: Slab, start: number, id: ConnectorId, peer: Peer): Drop | undefined {
    const refusal = readRefusal(slab, start, id);
    const handshake = this.#parts.handshakes.refuse(refusal, peer);
    if (handshake === undefined) return 'unexpected';
    handshake.answered({ ok: false, reason: refusal.reason });
    return undefined;
  }

  /**
   * The peer has no such session. Believed only if it proves that it saw a datagram of ours: RESET
   * carries our tag + 1. What was open did not run if the same incarnation says that it never lost
   * a session with calls open in it; else nobody knows.
   */
  #handleReset(slab: Slab, start: number, id: ConnectorId, peer: Peer): Drop | undefined {
    const refusal = readRefusal(slab, start, id);
    const session = this.#parts.demux.get(refusal.session);
    if (session === undefined || session.peer !== peer) return 'unexpected';
    if (refusal.ack !== seqPlus(session.peerTag, 1)) return 'wrong-tag';
    if (session.state === 'closing') {
      // Our CLOSE came, and its acknowledgement was lost.
      session.fail('closed', 'the session was closed here', 'not-executed');
      return undefined;
    }
    const same = sameIncarnation(refusal.incarnation, session.incarnation);
    const clean = same && refusal.reason === frame.REASON_UNKNOWN_SESSION;
    const why = same ? 'the peer no longer has the session' : 'the peer was started anew';
    session.fail('peer-lost', why, clean ? 'not-executed' : 'unknown');
    return undefined;
  }

  /** Answers a datagram with a stateless no: as many datagrams as came, and never longer ones. */
  #refuse(kind: number, slab: Slab, start: number, peer: Peer, reason: number): void {
    const bytes = new Slab(frame.REFUSAL_LENGTH);
    writeRefusal(bytes, kind, {
      id: readId(slab, start),
      seq: cnMsgSeq(slab, start + frame.ENVELOPE_CN),
      ack: seqPlus(cnMsgAck(slab, start + frame.ENVELOPE_CN), 1),
      session: slab.view.getUint32(start + frame.AT_SOURCE, LITTLE_ENDIAN),
      incarnation: this.#parts.incarnation,
      reason,
    });
    this.#send(peer, bytes);
  }

  #send(peer: Peer, bytes: Slab): void {
    if (!this.#parts.resources.traits.intact) stampChecksum(bytes, 0, bytes.bytes.length);
    this.#parts.send({ peer, bytes });
  }
}

/** True for a session datagram of any version: the flag and the first three bytes of the magic. */
function isSession(slab: Slab, start: number, end: number): boolean {
  if (end - start < frame.ENVELOPE + 4) return false;
  if ((cnMsgFlags(slab, start + frame.ENVELOPE_CN) & frame.SESSION_FLAG) === 0) return false;
  const magic = slab.view.getUint32(start + frame.AT_MAGIC, LITTLE_ENDIAN);
  return magic >>> 8 === frame.MAGIC >>> 8;
}

function readId(slab: Slab, start: number): ConnectorId {
  return {
    idx: slab.view.getUint32(start + frame.ENVELOPE_CN, LITTLE_ENDIAN),
    val: slab.view.getUint32(start + frame.ENVELOPE_CN + 4, LITTLE_ENDIAN),
  };
}
