import Denque from 'denque';
import { encodeReply, Naming, REPLY_HEADERS } from './encode.ts';
import { Flow } from './flow.ts';
import { HeldRequests } from './held.ts';
import type { Incoming, IncomingHooks } from './incoming.ts';
import { Lanes, type Place } from './lanes.ts';
import { Refusals, replyIdentity } from './refusals.ts';
import { readRequest } from './request.ts';
import type { ResponderParts } from './responder-parts.ts';
import type { Resources } from './resources.ts';
import type { Slab } from '../core/slab.ts';
import type { Kept } from '../reliability/kept.ts';
import type { Genes } from '../reliability/match.ts';
import type { Outgoing } from '../reliability/outgoing.ts';
import { SeenSeqs } from '../reliability/seen.ts';
import { CN_MSG_HEADER, cnMsgGenes, cnMsgSeq } from '../transport/wire/cnmsg.ts';
import * as frame from '../transport/wire/frame.ts';

const EMPTY = new Uint8Array(0);

/**
 * The answering half of a session. Each request runs at most once: `SeenSeqs` remembers every
 * sequence number ever seen, the table holds those that still run or whose reply may have to be
 * sent again, and a channel hands its requests out in order, one at a time. Sans-IO.
 */
export class Responder {
  readonly #parts: ResponderParts;
  readonly #resources: Resources;
  readonly #seen: SeenSeqs;
  readonly #held: HeldRequests;
  readonly #aborted = new Denque<Incoming>();
  readonly #lanes: Lanes;
  readonly #refusals: Refusals;
  readonly #naming: Naming;
  #draining = false;
  #ended = false;

  constructor(parts: ResponderParts) {
    const { resources } = parts.link;
    this.#parts = parts;
    this.#resources = resources;
    this.#seen = new SeenSeqs(parts.firstSeq, resources.limits.seqWindow);
    this.#held = new HeldRequests(resources);
    this.#lanes = new Lanes(resources, parts.hostile);
    this.#refusals = new Refusals(parts.link, parts.hostile);
    this.#naming = new Naming(parts.link.id);
  }

  /** True if all that it would do differently from a new one is what `suspend` keeps. */
  get dormant(): boolean {
    const told = this.size === 0 && this.#aborted.length === 0 && !this.#refusals.pending;
    return told && this.#lanes.idle && this.#seen.gapless;
  }

  /** Only while it is `dormant`. */
  suspend(kept: Kept): void {
    this.#seen.suspend(kept);
    this.#lanes.suspend(kept);
  }

  resume(kept: Kept): void {
    this.#seen.resume(kept);
    this.#lanes.resume(kept);
  }

  /** Requests whose handler runs or waits, or whose reply is not acknowledged. */
  get size(): number {
    return this.#held.size;
  }

  /** Those of them whose caller still wants to know, or was told that they run. */
  get owed(): number {
    return this.#held.owed;
  }

  /** True if its caller alone can bring about that what is owed comes to an end. */
  get stalled(): boolean {
    return this.owed > 0 && this.#held.running === 0;
  }

  /** From now on new requests are refused with `closed`; those already here are finished. */
  drain(): void {
    this.#draining = true;
  }

  /**
   * Takes the REQUEST (or, `oneWay`, SEND) slab[at, end); checked to be whole. Gives whether it was
   * news.
   */
  handleRequest(oneWay: boolean, slab: Slab, at: number, end: number, now: number): boolean {
    const seq = cnMsgSeq(slab, at);
    const sighting = this.#seen.sighting(seq);
    if (sighting === 'duplicate') this.#handleDuplicate(cnMsgGenes(slab, at), now);
    if (sighting === 'beyond') this.#parts.hostile();
    if (sighting !== 'new') return false;
    const bodyAt = at + CN_MSG_HEADER;
    const place = this.#lanes.place(slab, bodyAt);
    this.#seen.add(seq);
    let refusal = place.lane === null ? frame.STATUS_BUSY : this.#refusal(end - bodyAt);
    if (refusal === undefined) {
      const { copies } = this.#resources;
      const incoming = readRequest(copies, this.#hooks, oneWay, slab, at, end, now);
      refusal = incoming.plain ? undefined : this.#parts.refusal(incoming);
      if (refusal === undefined) this.#admit(incoming, place);
    }
    if (refusal !== undefined) {
      this.#lanes.put(place, undefined); // refused, its place is taken all the same
      this.#refusals.send(cnMsgGenes(slab, at), refusal);
    }
    return true;
  }

  /**
   * Takes the CANCEL of the request with these genes, whose place it has at slab[at, …). In a
   * channel it is answered, when the place is free again: until then the channel's number is in
   * use.
   */
  handleCancel(genes: Genes, slab: Slab, at: number): void {
    const sighting = this.#seen.sighting(genes.seq);
    if (sighting === 'beyond') {
      this.#parts.hostile();
      return;
    }
    if (sighting === 'new') {
      const place = this.#lanes.place(slab, at);
      this.#seen.add(genes.seq); // the request itself, if it still comes, is a duplicate
      this.#lanes.put(place, undefined);
      if (place.channel !== 0) this.#refusals.send(genes, frame.STATUS_EXPIRED);
      return;
    }
    const incoming = this.#held.get(genes.seq);
    if (incoming === undefined || incoming.ack !== genes.ack || incoming.accepted) return;
    if (incoming.state !== 'finished') {
      this.#cancel(incoming);
      return;
    }
    // A reply in pieces would wait for credit that never comes.
    const stands = incoming.channel !== 0 && incoming.flow === undefined;
    if (stands) return;
    this.#forget(incoming);
    if (incoming.channel !== 0) this.#refusals.send(incoming, frame.STATUS_EXPIRED);
  }

  /** Takes the REQUEST_PIECE whose payload is slab[at, end). Gives whether it was news. */
  handlePiece(genes: Genes, slab: Slab, at: number, end: number): boolean {
    const incoming = this.#held.get(genes.seq);
    if (incoming?.flow === undefined || incoming.ack !== genes.ack) return false;
    const sighting = incoming.flow.accept(slab, at, end);
    if (sighting === 'beyond') this.#parts.hostile();
    else if (sighting === 'full') this.handleOverflow(incoming.seq);
    else if (!incoming.whole && incoming.flow.ready) this.#complete(incoming);
    return sighting !== 'duplicate';
  }

  /** All flows together hold too much: that of this request gives way. */
  handleOverflow(seq: number): void {
    const incoming = this.#held.get(seq);
    if (incoming === undefined) return;
    const waits = incoming.state === 'waiting';
    this.#turnAway(incoming, waits ? frame.STATUS_BUSY : frame.STATUS_APPLICATION);
  }

  /** Takes the REPLY_CREDIT of a request: how far the values before its reply may go. */
  handleCredit(genes: Genes, limit: number): void {
    const incoming = this.#held.get(genes.seq);
    if (incoming?.ack === genes.ack) incoming.flow?.setLimit(limit);
  }

  /** The peer has a reply, or a piece of one. */
  handleDelivered(message: Outgoing): void {
    const incoming = this.#held.get(message.seq);
    incoming?.flow?.handleDelivered();
    if (message.kind === frame.REPLY && incoming?.reply !== message)
      this.#refusals.handleDelivered();
    else if (incoming !== undefined) this.#forgetIfTold(incoming);
  }

  /** The next request whose turn has come: to be started, or refused. */
  pollRequest(): Incoming | undefined {
    const incoming = this.#lanes.take();
    if (incoming === undefined) return undefined;
    this.#held.start(incoming);
    this.#resources.deadlines.remove(incoming);
    return incoming;
  }

  /** The next request whose handler is to be told that nobody wants its reply. */
  pollAborted(): Incoming | undefined {
    return this.#aborted.shift();
  }

  /** The flow of a request that runs, for the values before its reply. */
  flow(incoming: Incoming): Flow {
    const { link } = this.#parts;
    incoming.flow ??= new Flow(link, replyIdentity(link.id, incoming));
    if (incoming.cancelled) incoming.flow.discard();
    return incoming.flow;
  }

  /** Ends a request that ran: sends its reply, unless nobody wants it any more. */
  reply(incoming: Incoming, status: number, format: number, payload: Uint8Array): void {
    if (incoming.state === 'finished') return; // its session was over first
    if (incoming.cancelled) {
      this.refuse(incoming, frame.STATUS_EXPIRED);
      return;
    }
    this.#finish(incoming);
    if (incoming.accepted) {
      if (status !== frame.STATUS_OK) this.#resources.counters.unheardFailures += 1;
      this.#endAccepted(incoming);
      return;
    }
    if (payload.length > this.#parts.link.wholeMax) {
      const value = { format, bytes: payload.slice() }; // read until the peer has taken it
      this.flow(incoming).write(value, (taken) => {
        if (taken) this.#answer(incoming, status, frame.FORMAT_NONE, EMPTY);
      });
    } else this.#answer(incoming, status, format, payload);
    this.#resources.replies.keep(incoming, REPLY_HEADERS + payload.length);
  }

  /** Ends a request without its handler's word: it did not run, or nobody wants to know. */
  refuse(incoming: Incoming, status: number): void {
    if (incoming.state === 'finished') return;
    this.#finish(incoming);
    this.#forget(incoming);
    if (incoming.answered) return;
    if (!incoming.cancelled || incoming.channel !== 0) this.#refusals.send(incoming, status);
  }

  /**
   * The session is over: handlers are told, replies dropped. What was accepted without a reply runs
   * all the same, as its caller was told, unless the whole process ends (`runsOn` is false).
   */
  fail(runsOn: boolean): void {
    this.#ended = true;
    for (const incoming of this.#held.all()) {
      if (incoming.accepted && runsOn) {
        incoming.reply?.withdraw();
        this.#forgetIfTold(incoming);
      } else {
        this.#cancel(incoming);
        this.#forget(incoming);
      }
    }
    this.#refusals.end();
    this.#lanes.closeGaps();
  }

  /**
   * The caller has had its time: what cannot start without more from it is refused, and what it
   * does not take is let go. What was accepted starts, as far as it does not run.
   */
  hurry(): void {
    for (const incoming of this.#held.all()) {
      const { state, cancelled, accepted, flow } = incoming;
      if (state === 'waiting' && !cancelled && !accepted) {
        this.#turnAway(incoming, frame.STATUS_CLOSED);
      } else if (state === 'finished' && flow?.settled === false) {
        this.#resources.replies.release(incoming);
        this.#evict(incoming);
      }
    }
    this.#lanes.closeGaps();
  }

  #handleDuplicate(genes: Genes, now: number): void {
    this.#resources.counters.duplicateRequests += 1;
    const incoming = this.#held.get(genes.seq);
    if (incoming?.reply === undefined || incoming.ack !== genes.ack) return;
    this.#resources.replies.use(incoming); // its caller lacks the reply, or did when it asked
    this.#parts.link.carrier.resend(incoming.reply, now);
  }

  /** The status to refuse a new request of `length` bytes with, if it is to be. */
  #refusal(length: number): number | undefined {
    if (this.#draining) return frame.STATUS_CLOSED;
    return this.#held.admits(length) ? undefined : frame.STATUS_BUSY;
  }

  /** Shared by all requests: a closure each would cost more than the rest of them. */
  readonly #hooks: IncomingHooks = {
    watched: (incoming) => {
      this.#resources.deadlines.add(incoming);
      this.#resources.armed(); // a handler may ask for its signal at any time
    },
    expired: (incoming) => this.#turnAway(incoming, frame.STATUS_EXPIRED),
    evicted: (incoming) => this.#evict(incoming),
  };

  #admit(incoming: Incoming, place: Place): void {
    const { plain } = incoming;
    this.#held.add(incoming);
    if (!plain && (!incoming.whole || incoming.streams)) this.flow(incoming).grant();
    this.#lanes.put(place, incoming);
    // It may wait long; its caller does not.
    if (place.lane || (!plain && !incoming.whole)) this.#resources.deadlines.add(incoming);
    if (!plain && incoming.oneWay && incoming.whole) this.#accept(incoming);
  }

  /** Its payload in pieces has come. */
  #complete(incoming: Incoming): void {
    incoming.whole = true;
    const value = incoming.flow?.take();
    if (value === undefined) return;
    if (!incoming.streams) incoming.flow?.deafen();
    this.#held.fill(incoming, value.format, value.bytes);
    const refusal = incoming.oneWay ? this.#parts.refusal(incoming) : undefined;
    if (refusal !== undefined) this.#turnAway(incoming, refusal);
    else if (incoming.oneWay) this.#accept(incoming);
    this.#lanes.complete(incoming);
  }

  /** Tells the caller of a one-way message that it is here. It needs no place among the replies. */
  #accept(incoming: Incoming): void {
    this.#resources.deadlines.remove(incoming);
    incoming.accept();
    const last = incoming.channel === 0;
    const status = last ? frame.STATUS_OK : frame.STATUS_ACCEPTED;
    this.#answer(incoming, status, frame.FORMAT_NONE, EMPTY);
  }

  /** A one-way message has run; in a channel its caller waits to use the channel's number again. */
  #endAccepted(incoming: Incoming): void {
    if (incoming.channel !== 0 && !this.#ended) {
      incoming.reply?.withdraw();
      this.#answer(incoming, frame.STATUS_OK, frame.FORMAT_NONE, EMPTY);
    }
    this.#forgetIfTold(incoming);
  }

  #answer(incoming: Incoming, status: number, format: number, payload: Uint8Array): void {
    const { carrier, touched } = this.#parts.link;
    const identity = this.#naming.of(incoming.seq, incoming.ack + 1);
    const pieces = incoming.flow?.sent;
    const reply = encodeReply(this.#resources.arena, identity, status, format, payload, pieces);
    incoming.reply = reply;
    carrier.enqueue(reply);
    touched();
  }

  /** Its handler has finished, or will not run: the next of its channel may start. */
  #finish(incoming: Incoming): void {
    this.#parts.link.touched();
    this.#held.finish(incoming);
    this.#resources.deadlines.remove(incoming);
    incoming.flow?.deafen();
    this.#lanes.finish(incoming);
  }

  /** Refuses a request that waits; its place in its channel is still to come. */
  #turnAway(incoming: Incoming, status: number): void {
    this.#cancel(incoming);
    incoming.answered = true;
    this.#refusals.send(incoming, status);
  }

  #cancel(incoming: Incoming): void {
    if (incoming.cancelled) return;
    this.#held.cancel(incoming);
    this.#resources.deadlines.remove(incoming);
    incoming.flow?.discard();
    // A handler counts until it has ended, a place in a channel until its turn comes: bounds hold.
    if (incoming.state !== 'waiting') this.#aborted.push(incoming);
    else if (incoming.channel === 0) this.#forget(incoming);
    else this.#held.empty(incoming);
    if (!incoming.whole) {
      incoming.whole = true; // nothing more is to come
      this.#lanes.complete(incoming);
    }
    this.#parts.link.touched();
  }

  #evict(incoming: Incoming): void {
    if (incoming.reply?.done === true) return;
    this.#resources.counters.repliesEvicted += 1;
    incoming.reply?.withdraw();
    incoming.flow?.discard();
    incoming.flow = undefined; // what was sent in it does not count any more
    this.#answer(incoming, frame.STATUS_EVICTED, frame.FORMAT_NONE, EMPTY);
  }

  /** Forgets a request that has run and whose caller has all that it is to know. */
  #forgetIfTold(incoming: Incoming): void {
    if (incoming.state !== 'finished' || incoming.reply?.done !== true) return;
    if (incoming.flow?.closed === false && !incoming.flow.settled) return;
    this.#forget(incoming);
  }

  #forget(incoming: Incoming): void {
    if (!this.#held.delete(incoming)) return;
    incoming.flow?.discard();
    if (incoming.reply === undefined && incoming.state !== 'finished') return;
    incoming.reply?.withdraw();
    this.#resources.replies.release(incoming);
  }
}
