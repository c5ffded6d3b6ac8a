import Denque from 'denque';
import { encodeCredit, encodePiece, type Identity } from './encode.ts';
import type { FlowShare, Holder } from './flow-room.ts';
import type { Resources } from './resources.ts';
import type { ConnectorId } from '../core/id.ts';
import { LITTLE_ENDIAN, type Slab } from '../core/slab.ts';
import type { Carrier } from '../reliability/carrier.ts';
import { Inflow, type Piece, type PieceSighting, type Value } from '../reliability/inflow.ts';
import type { Genes } from '../reliability/match.ts';
import { Outflow } from '../reliability/outflow.ts';
import type { Outgoing } from '../reliability/outgoing.ts';
import * as frame from '../transport/wire/frame.ts';

/** What all flows of one half of a session have in common. */
export interface FlowLink {
  readonly resources: Resources;
  readonly carrier: Carrier;
  readonly id: ConnectorId;
  /** The longest payload that goes whole, and the longest piece, bytes. */
  readonly wholeMax: number;
  readonly pieceMax: number;
  /** What may be sent, and what may come, before either side says more; see `Inflow`. */
  readonly granted: { readonly out: number; readonly in: number };
  /** What this half's pieces and credits are called on the wire. */
  readonly kinds: { readonly piece: number; readonly credit: number };
  /** What the flows of both halves hold. */
  readonly held: FlowShare;
  /** What the call `seq` holds has to go. */
  readonly overflow: (seq: number) => void;
  /** There is something to send. */
  readonly touched: () => void;
}

interface Pending {
  readonly value: Value | undefined;
  /** Told true when the value is on its way, false if nobody takes it any more. */
  readonly cut: (taken: boolean) => void;
}

/**
 * The values that travel under one call besides its request and its reply, in both directions: a
 * payload too long for a datagram, and streams. Sans-IO; what is to be sent goes to the carrier.
 */
export class Flow implements Holder {
  /** Called when a value has come, the flow has ended, or nobody sends any more. */
  changed: () => void = nothing;
  readonly #link: FlowLink;
  readonly #identity: Identity;
  readonly #in: Inflow;
  readonly #out: Outflow;
  readonly #pending = new Denque<Pending>();
  /** Pieces that the peer may not have, oldest first, and their bytes. */
  readonly #pieces = new Denque<Outgoing>();
  #pieceBytes = 0;
  #credit: Outgoing | undefined;
  #closed = false;
  /** Nobody takes what comes any more. */
  #deaf = false;

  /** `genes` is what our pieces carry: the request's at the caller, ack + 1 at the responder. */
  constructor(link: FlowLink, genes: Genes) {
    this.#link = link;
    this.#identity = { id: link.id, seq: genes.seq, ack: genes.ack };
    const { limits } = link.resources;
    this.#in = new Inflow(limits.creditMax, link.granted.in, limits.valueMax);
    this.#out = new Outflow(link.granted.out, link.pieceMax);
  }

  /** How many pieces have come without a gap, modulo 2^32. */
  get received(): number {
    return this.#in.position >>> 0;
  }

  /** How many pieces were sent, modulo 2^32; undefined: none. */
  get sent(): number | undefined {
    const { position } = this.#out;
    return position === 0 ? undefined : position >>> 0;
  }

  /** True if a value waits to be taken. */
  get ready(): boolean {
    return this.#in.ready && !this.#deaf;
  }

  /** True if nobody takes values any more. */
  get deaf(): boolean {
    return this.#deaf;
  }

  /** True if the peer has sent its last value and all have come. */
  get ended(): boolean {
    return this.#in.ended;
  }

  /** True once nothing more is sent: it was closed here, or its call is over. */
  get closed(): boolean {
    return this.#closed;
  }

  /** True if the peer has every piece that was sent. */
  get settled(): boolean {
    this.#trim();
    return this.#pieces.length === 0 && this.#pending.length === 0 && this.#out.idle;
  }

  /**
   * Takes the piece whose payload is slab[at, end). `full`: it was taken, and the flows of this
   * session now hold more than they may.
   */
  accept(slab: Slab, at: number, end: number): PieceSighting | 'full' {
    if (this.#closed || this.#deaf) return 'duplicate';
    const before = this.#in.cost;
    const sighting = this.#in.accept({
      position: slab.view.getUint32(at + frame.PIECE_POSITION, LITTLE_ENDIAN),
      flags: slab.view.getUint8(at + frame.PIECE_FLAGS),
      format: slab.view.getUint8(at + frame.PIECE_FORMAT),
      bytes: slab.bytes.subarray(at + frame.PIECE_HEADER, end),
    });
    this.#hold(this.#in.cost - before);
    if (sighting !== 'new') return sighting;
    this.grant();
    this.changed();
    return this.#link.held.makeRoom() ? 'new' : 'full';
  }

  /** Takes the next value that came. */
  take(): Value | undefined {
    if (this.#deaf) return undefined;
    const before = this.#in.cost;
    const value = this.#in.take();
    if (value === undefined) return undefined;
    this.#hold(this.#in.cost - before);
    this.grant();
    return value;
  }

  /** Tells the peer how far it may go, if that is news worth a message. */
  grant(): void {
    if (this.#closed || this.#deaf) return;
    const limit = this.#in.pollCredit();
    if (limit === undefined) return;
    this.#credit?.withdraw(); // the new one says more
    const { carrier, resources, kinds, touched } = this.#link;
    this.#credit = encodeCredit(resources.arena, this.#identity, kinds.credit, limit);
    carrier.enqueue(this.#credit);
    touched();
  }

  /** Takes the peer's word on how far we may go. */
  setLimit(limit: number): void {
    this.#out.setLimit(limit);
    this.#pump();
  }

  /** The peer has a piece: there may be room for more. */
  handleDelivered(): void {
    this.#pump();
  }

  /** Sends a value as credit allows. Its bytes are read until `cut` is called. */
  write(value: Value, cut: (taken: boolean) => void): void {
    this.#put({ value, cut });
  }

  /** Says, after all that was written, that there are no further values. */
  end(): void {
    this.#put({ value: undefined, cut: nothing });
  }

  /** Takes no more values, and lets go of those that came. Sending goes on. */
  deafen(): void {
    if (this.#deaf) return;
    this.#deaf = true;
    this.#hold(0 - this.#in.cost); // never minus 0 (refusals.ts)
    this.changed();
  }

  /** Stops sending, also what was sent and may be lost. What came can still be taken. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (let piece = this.#pieces.shift(); piece; piece = this.#pieces.shift()) piece.withdraw();
    this.#credit?.withdraw();
    for (let next = this.#pending.shift(); next; next = this.#pending.shift()) next.cut(false);
    this.changed();
  }

  /** Closes it and lets go of what came. */
  discard(): void {
    this.close();
    this.deafen();
  }

  /** Ends its call, whose values take room that others are to have. */
  giveUp(): void {
    this.#link.overflow(this.#identity.seq);
  }

  #hold(change: number): void {
    this.#link.held.hold(this, change, this.#in.cost > 0 && !this.#deaf);
  }

  #put(pending: Pending): void {
    if (this.#closed) {
      pending.cut(false);
      return;
    }
    this.#pending.push(pending);
    if (this.#pending.length === 1) this.#begin(pending);
    this.#pump();
  }

  #begin({ value }: Pending): void {
    if (value === undefined) this.#out.end();
    else this.#out.write(value);
  }

  #pump(): void {
    const { carrier, resources, kinds, touched } = this.#link;
    while (this.#pending.length > 0 && !this.#closed) {
      for (let piece = this.#poll(); piece; piece = this.#poll()) {
        const message = encodePiece(resources.arena, this.#identity, kinds.piece, piece);
        this.#pieces.push(message);
        this.#pieceBytes += message.size;
        carrier.enqueue(message);
        touched();
      }
      if (!this.#out.idle) return; // until there is credit, or room
      this.#pending.shift()!.cut(true);
      const next = this.#pending.peekFront();
      if (next !== undefined) this.#begin(next);
    }
  }

  /**
   * The next piece to be sent. Credit is the peer's word: one that grants much and takes nothing
   * does not make us hold more than we would grant ourselves.
   */
  #poll(): Piece | undefined {
    this.#trim();
    return this.#pieceBytes < this.#link.resources.limits.creditMax ? this.#out.poll() : undefined;
  }

  #trim(): void {
    for (let first = this.#pieces.peekFront(); first?.done; first = this.#pieces.peekFront()) {
      this.#pieceBytes -= first.size;
      this.#pieces.shift();
    }
  }
}

function nothing(): void {}
