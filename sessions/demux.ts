import { LRUCache } from 'lru-cache/raw';
import type { Drop } from './counters.ts';
import type { Resources } from './resources.ts';
import { Session } from './session.ts';
import type { Half, SessionParts } from './session-parts.ts';
import type { ConnectorId } from '../core/id.ts';
import { seqDistance } from '../reliability/sequence.ts';
import type { Credentials, Peer } from '../transport/transport.ts';
import {
  REASON_BUSY,
  REASON_LOST_SESSION,
  REASON_UNKNOWN_SESSION,
} from '../transport/wire/frame.ts';
import { sameIncarnation, type Incarnation, type Opening } from '../transport/wire/handshake.ts';

/** Openings of one peer that can stand side by side. */
const OPENINGS_PER_PEER = 64;
/** Sessions looked at, when the table is full, for one that is idle. */
const LOOKED_AT = 16;

/** What was offered to a peer that has not used it yet. */
export interface HalfOpen {
  readonly id: ConnectorId;
  readonly peer: Peer;
  readonly opening: Opening;
  readonly own: Half;
  readonly credentials: Credentials | undefined;
}

/**
 * Which session a datagram belongs to, and who may have one. Sessions are found by our own number
 * for them; the tag and the peer's address must fit as well. Sans-IO; opened by either side.
 *
 * An OPEN costs only a small record in a bounded table. The session itself is made when the peer
 * first uses the tag that it was offered: that shows that the peer lives and is not a copy of an
 * old datagram, so stale openings open nothing and end nothing (semantics 8).
 */
export class Demux {
  readonly #resources: Resources;
  readonly #sessions = new Map<number, Session>();
  readonly #byPeer = new Map<Peer, Set<Session>>();
  readonly #halfOpen: LRUCache<number, HalfOpen>;
  /** Sessions given up while calls were open in them: what became of those is not known here. */
  readonly #lost: LRUCache<number, true>;
  /** The newest of those lost that are not remembered any more. */
  #forgottenTo: number | undefined;
  #nextNumber: number;

  constructor(resources: Resources) {
    this.#resources = resources;
    this.#nextNumber = resources.random.u32();
    this.#halfOpen = new LRUCache({ max: resources.limits.halfOpenMax });
    this.#lost = new LRUCache({
      max: resources.limits.lostSessionsMax,
      dispose: (_value, number, why) => {
        if (why !== 'evict') return;
        const newer = seqDistance(this.#forgottenTo ?? number, number) >= 0;
        if (newer) this.#forgottenTo = number;
      },
    });
  }

  get size(): number {
    return this.#sessions.size;
  }

  sessions(): IterableIterator<Session> {
    return this.#sessions.values();
  }

  get(number: number): Session | undefined {
    return this.#sessions.get(number);
  }

  /** Draws what this side brings into a new session. `grant` is truesize. */
  half(grant: number): Half {
    const { random, limits } = this.#resources;
    const session = this.#nextNumber;
    this.#nextNumber = (session + 1) >>> 0;
    return {
      session,
      tag: random.u32(),
      firstNumber: 0,
      // Shortly before the wrap, so that every longer session crosses it and no bug there can hide.
      firstSeq: (0xffff_ffff - (random.u32() & 0xfff)) >>> 0,
      grant,
      window: limits.seqWindow,
      valueMax: limits.valueMax,
      credit: limits.creditMax,
    };
  }

  /**
   * Finds or makes the offer that answers a peer's OPEN; a reason to refuse it if there is none.
   */
  offer(
    id: ConnectorId,
    peer: Peer,
    opening: Opening,
    grant: number,
    credentials: Credentials | undefined,
  ): HalfOpen | number {
    const key = halfOpenKey(peer, opening.source);
    const known = this.#halfOpen.get(key);
    if (known !== undefined && sameOpening(known.opening, opening)) return known;
    if (!this.#admits(peer, opening.incarnation)) return REASON_BUSY;
    const own = this.half(grant);
    // Copied: the transport reuses the object.
    const offer = { id, peer, opening, own, credentials: credentials && { ...credentials } };
    this.#halfOpen.set(key, offer);
    return offer;
  }

  /**
   * The session that a DATA datagram addresses: one that is open, or one that was offered and is
   * now used for the first time. Gives the reason to drop the datagram if there is none.
   */
  route(number: number, source: number, tag: number, peer: Peer, now: number): Session | Drop {
    const session = this.#sessions.get(number);
    if (session !== undefined) {
      const { tag: own, peerNumber } = session;
      const fits = own === tag && session.peer === peer && peerNumber === source;
      return fits ? session : 'wrong-tag';
    }
    const offer = this.#halfOpen.get(halfOpenKey(peer, source));
    if (offer?.own.session !== number) return 'unknown-session';
    if (offer.own.tag !== tag || offer.peer !== peer || offer.opening.source !== source) {
      return 'wrong-tag';
    }
    // Whatever comes of it, the offer is used up: what was once told that there is no such session
    // counts on it that there never will be.
    this.#halfOpen.delete(halfOpenKey(peer, source));
    if (!this.#admits(peer, offer.opening.incarnation)) return 'over-limit';
    const { id, own, opening, credentials } = offer;
    const { incarnation } = opening;
    return this.open(
      { id, peer, incarnation, own, remote: half(opening), credentials, accepted: true },
      now,
    );
  }

  /**
   * Makes a session whose handshake is complete. Earlier incarnations of its peer are thereby over.
   */
  open(parts: SessionParts, now: number): Session {
    const { peer, incarnation, own } = parts;
    for (const older of [...(this.#byPeer.get(peer) ?? [])]) {
      if (sameIncarnation(older.incarnation, incarnation)) continue;
      older.fail('peer-lost', 'the peer was started anew', 'unknown');
    }
    // What an earlier incarnation was offered and did not use in its time would end this session.
    for (let slot = 0; slot < OPENINGS_PER_PEER; slot++) {
      const offer = this.#halfOpen.peek(halfOpenKey(peer, slot));
      if (offer === undefined || sameIncarnation(offer.opening.incarnation, incarnation)) continue;
      this.#halfOpen.delete(halfOpenKey(peer, slot));
    }
    const session = new Session(this.#resources, parts, now);
    this.#sessions.set(own.session, session);
    const siblings = this.#byPeer.get(peer);
    if (siblings === undefined) this.#byPeer.set(peer, new Set([session]));
    else siblings.add(session);
    this.#resources.counters.sessionsOpened += 1;
    return session;
  }

  /** Forgets a session that has ended. */
  forget(session: Session): void {
    const { number, peer } = session;
    if (!this.#sessions.delete(number)) return;
    this.#resources.vigil.forget(session);
    const siblings = this.#byPeer.get(peer);
    siblings?.delete(session);
    if (siblings?.size === 0) this.#byPeer.delete(peer);
    if (!session.lost) return;
    this.#resources.counters.sessionsLost += 1;
    this.#lost.set(number, true);
  }

  /** All sessions with a peer. */
  ofPeer(peer: Peer): Iterable<Session> {
    return this.#byPeer.get(peer) ?? [];
  }

  /** What RESET should say about a session number that is not open here. */
  resetReason(number: number): number {
    const forgotten = this.#forgottenTo;
    // Numbers are given one after the other: what came later than all that is forgotten is known.
    const old = forgotten !== undefined && seqDistance(number, forgotten) >= 0;
    const lost = old || this.#lost.has(number);
    return lost ? REASON_LOST_SESSION : REASON_UNKNOWN_SESSION;
  }

  /**
   * True if a peer may have one more session. Where there is no place, an idle session gives way:
   * in it nothing is open, so its peer learns `not-executed` and opens another unseen. It may well
   * be one that the peer itself has given up long ago, which nothing here would ever show.
   */
  #admits(peer: Peer, incarnation: Incarnation): boolean {
    const { limits } = this.#resources;
    const siblings = [...this.ofPeer(peer)].filter((session) => {
      // Those that this side opened to the peer are its own doing.
      return session.accepted && sameIncarnation(session.incarnation, incarnation);
    });
    if (siblings.length >= limits.sessionsPerPeerMax) return this.#giveWay(siblings);
    if (this.#sessions.size < limits.sessionsMax) return true;
    const oldest: Session[] = [];
    for (const [number, session] of this.#sessions) {
      if (oldest.push(session) === LOOKED_AT) break;
      if (session.idle) continue;
      // To the end: the next one to ask looks at others. All of them would be too much work.
      this.#sessions.delete(number);
      this.#sessions.set(number, session);
    }
    return this.#giveWay(oldest);
  }

  /** Ends the first idle one of the accepted sessions; false if all are in use. */
  #giveWay(sessions: readonly Session[]): boolean {
    const idle = sessions.find((session) => session.accepted && session.idle);
    if (idle === undefined) return false;
    idle.fail('closed', 'the session gave way to another', 'not-executed');
    this.forget(idle);
    return true;
  }
}

/** The half of the session that an OPEN or OPENED describes. */
export function half(opening: Opening): Half {
  const { source, tag, firstNumber, firstSeq, grant, window, valueMax, credit } = opening;
  return { session: source, tag, firstNumber, firstSeq, grant, window, valueMax, credit };
}

/** Peers are whole numbers below 2^32: the key is exact. */
function halfOpenKey(peer: Peer, source: number): number {
  return peer * OPENINGS_PER_PEER + (source % OPENINGS_PER_PEER);
}

function sameOpening(left: Opening, right: Opening): boolean {
  return (
    left.source === right.source &&
    left.tag === right.tag &&
    left.seq === right.seq &&
    left.ack === right.ack &&
    sameIncarnation(left.incarnation, right.incarnation)
  );
}
