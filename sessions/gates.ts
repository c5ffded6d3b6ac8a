import Denque from 'denque';
import type { SessionState } from './session.ts';
import type { Carrier } from '../reliability/carrier.ts';
import type { Peer } from '../transport/transport.ts';

/** Who waits is looked at no more often than this, ms: it may be time to give the session up. */
export const LOOK_MS = 50;

/** What gates need to know of a session. */
export interface Gated {
  readonly peer: Peer;
  readonly state: SessionState;
  readonly carrier: Pick<Carrier, 'settledAt' | 'askNow'>;
  /** Kept by the gates: it waits at one. */
  gated: boolean;
}

/** A peer whose receive queue is full, and who has something for it. */
interface Gate<T> {
  /** Asks again for all of them, when its carrier says so. */
  asker: T;
  /** Since when the peer took nothing and acknowledged nothing, clock time; Infinity: not known. */
  since: number;
  readonly waiting: Denque<T>;
}

/**
 * Who waits for a full queue. All sessions with a peer share its queue (KF §6): each of a thousand
 * would be refused by itself, ask again by its own clock, and fill by halves what the others wait
 * for. So one asks, and when there is room they send in the order in which they came, each as much
 * as it may. At most as many wait as there are sessions. A part of the driver.
 */
export class Gates<T extends Gated> {
  readonly #gates = new Map<Peer, Gate<T>>();

  /**
   * Lets a session send, and then those who waited behind it. False if it has to wait for its turn.
   * `send` gives false if a full queue refused the session, now or before.
   */
  pass(session: T, send: (session: T) => boolean): boolean {
    if (session.state === 'ended') this.#leave(session);
    else if (this.#waits(session)) return false;
    let next: T | undefined = session;
    while (next !== undefined && send(next)) next = this.#next(next);
    return true;
  }

  /** The queue of the session's peer is full. Gives since when, as far as it may know. */
  refused(session: T, now: number): number {
    const gate = this.#of(session.peer);
    if (gate === undefined) {
      this.#gates.set(session.peer, { asker: session, since: now, waiting: new Denque() });
      return now;
    }
    gate.since = Math.min(gate.since, now);
    return Math.max(gate.since, session.carrier.settledAt); // it may be younger than that
  }

  /** The peer's queue took something. */
  taken(peer: Peer): void {
    const gate = this.#of(peer);
    if (gate !== undefined) gate.since = Infinity;
  }

  /**
   * Something came for a session. If it acknowledges anything, or opened the session, the peer has
   * read its queue: gives who asks now.
   */
  heard(session: T, now: number): T | undefined {
    const gate = this.#of(session.peer);
    if (gate === undefined || session.carrier.settledAt !== now) return undefined;
    gate.since = Infinity;
    gate.asker.carrier.askNow();
    return gate.asker;
  }

  /** True if others came before it, which ask for all. */
  #waits(session: T): boolean {
    const gate = this.#of(session.peer);
    if (gate === undefined || gate.asker === session) return false;
    if (!session.gated) {
      session.gated = true;
      gate.waiting.push(session);
    }
    return true;
  }

  /** The session was not refused: gives who is to send next, if anybody waited behind it. */
  #next(session: T): T | undefined {
    const gate = this.#of(session.peer);
    if (gate?.asker !== session) return undefined;
    const next = gate.waiting.shift();
    if (next === undefined) {
      this.#gates.delete(session.peer);
      return undefined;
    }
    next.gated = false;
    gate.asker = next;
    return next;
  }

  /** It waits no longer. */
  #leave(session: T): void {
    if (!session.gated) return;
    session.gated = false;
    const waiting = this.#of(session.peer)?.waiting;
    for (let index = 0; waiting !== undefined && index < waiting.length; index++) {
      if (waiting.peekAt(index) !== session) continue;
      waiting.removeOne(index);
      return;
    }
  }

  #of(peer: Peer): Gate<T> | undefined {
    return this.#gates.size === 0 ? undefined : this.#gates.get(peer);
  }
}
