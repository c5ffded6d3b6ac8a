import type { Half } from './session-parts.ts';
import type { ConnectorId } from '../core/id.ts';
import { CREDIT_MIN, WINDOW_MIN } from '../core/limits.ts';
import type { Random } from '../core/random.ts';
import { classify, type Genes } from '../reliability/match.ts';
import type { Credentials, Peer } from '../transport/transport.ts';
import { REASON_CLOSED } from '../transport/wire/frame.ts';
import type { Incarnation, Opening, Refusal } from '../transport/wire/handshake.ts';

/** How an OPEN was answered. */
export type Answer =
  | { readonly ok: true; readonly opening: Opening; readonly credentials: Credentials | undefined }
  | { readonly ok: false; readonly reason: number };

/** True if a peer that states this can be talked to (docs/PROTOCOL.md, P4.3). */
export function usable(opening: Opening): boolean {
  return opening.window >= WINDOW_MIN && opening.credit >= CREDIT_MIN;
}

/** One OPEN that waits for its answer. */
export interface Handshake {
  readonly opening: Opening;
  readonly peer: Peer;
  readonly own: Half;
  readonly answered: (answer: Answer) => void;
}

/**
 * The sessions that this side is opening: OPEN follows the rule of the 2005 text, a unique seq and
 * a random ack, and is answered by the same seq and ack + 1. Sans-IO.
 */
export class Handshakes {
  readonly #pending = new Map<number, Handshake>();
  readonly #random: Random;
  readonly #incarnation: Incarnation;
  #seq: number;

  constructor(random: Random, incarnation: Incarnation) {
    this.#random = random;
    this.#incarnation = incarnation;
    this.#seq = random.u32();
  }

  get size(): number {
    return this.#pending.size;
  }

  /** Starts one; the caller sends its `opening` and repeats it unchanged until `answered`. */
  begin(id: ConnectorId, peer: Peer, own: Half, answered: (answer: Answer) => void): Handshake {
    this.#seq = (this.#seq + 1) >>> 0;
    const opening: Opening = {
      id,
      seq: this.#seq,
      ack: this.#random.u32(),
      session: 0,
      source: own.session,
      tag: own.tag,
      incarnation: this.#incarnation,
      firstNumber: own.firstNumber,
      firstSeq: own.firstSeq,
      grant: own.grant,
      window: own.window,
      valueMax: own.valueMax,
      credit: own.credit,
    };
    const handshake = { opening, peer, own, answered };
    this.#pending.set(own.session, handshake);
    return handshake;
  }

  /** The endpoint is closed: whoever waits for an answer is woken. */
  fail(): void {
    for (const { answered } of [...this.#pending.values()]) {
      answered({ ok: false, reason: REASON_CLOSED });
    }
    this.#pending.clear();
  }

  /** Stops waiting. */
  end(handshake: Handshake): void {
    this.#pending.delete(handshake.own.session);
  }

  /** Takes OPENED; gives the handshake that it completes, which is then no longer pending. */
  complete(opening: Opening, peer: Peer): Handshake | undefined {
    return this.#take(opening.session, opening, peer);
  }

  /** Takes REFUSED; gives the handshake that it ends, which is then no longer pending. */
  refuse(refusal: Refusal, peer: Peer): Handshake | undefined {
    return this.#take(refusal.session, refusal, peer);
  }

  #take(session: number, genes: Genes, peer: Peer): Handshake | undefined {
    const handshake = this.#pending.get(session);
    if (handshake === undefined || handshake.peer !== peer) return undefined;
    if (classify(handshake.opening, genes) !== 'reply') return undefined;
    this.#pending.delete(session);
    return handshake;
  }
}
