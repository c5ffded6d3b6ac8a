import { encodeReply, type Identity } from './encode.ts';
import type { FlowLink } from './flow.ts';
import type { ConnectorId } from '../core/id.ts';
import type { Genes } from '../reliability/match.ts';
import { seqPlus } from '../reliability/sequence.ts';
import { FORMAT_NONE } from '../transport/wire/frame.ts';

const EMPTY = new Uint8Array(0);

/** The genes of the reply to a request: the same seq, ack + 1 (semantics 2). */
export function replyIdentity(id: ConnectorId, request: Genes): Identity {
  return { id, seq: request.seq, ack: seqPlus(request.ack, 1) };
}

/**
 * Answers to requests that are not held: they are sent until acknowledged, and are not kept for a
 * repetition of their request. Whoever acknowledges none of many gets no more; one with no more
 * than its equal share is not made to pay for those.
 */
export class Refusals {
  readonly #link: FlowLink;
  readonly #hostile: () => void;
  /** Not acknowledged. */
  #count = 0;
  #ended = false;

  /** `hostile` is called for a peer that keeps to no bound. */
  constructor(link: FlowLink, hostile: () => void) {
    this.#link = link;
    this.#hostile = hostile;
  }

  /** True if some are not acknowledged. */
  get pending(): boolean {
    return this.#count > 0;
  }

  send(request: Genes, status: number): void {
    if (this.#ended) return;
    const { id, resources, carrier, touched } = this.#link;
    const { arena, limits } = resources;
    carrier.enqueue(encodeReply(arena, replyIdentity(id, request), status, FORMAT_NONE, EMPTY));
    touched();
    this.#add(1);
    const { refusalsMax, sessionsMax } = limits;
    const left = Math.max(refusalsMax - resources.refusalsHeld, refusalsMax / sessionsMax);
    if (this.#count > left) this.#hostile();
  }

  handleDelivered(): void {
    this.#add(-1);
  }

  /** The session is over: nothing more is sent. */
  end(): void {
    this.#ended = true;
    // Minus 0 is no small integer to V8: what it is added to would be none from then on, and the
    // compiled code of all that reads `resources` would be thrown away.
    this.#add(0 - this.#count);
  }

  #add(change: number): void {
    this.#count += change;
    this.#link.resources.refusalsHeld += change;
  }
}
