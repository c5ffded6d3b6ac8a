import Denque from 'denque';
import { encodeReply } from './encode.ts';
import { Incoming, type IncomingHooks } from './incoming.ts';
import type { Resources } from './resources.ts';
import type { ConnectorId } from '../core/id.ts';
import { LITTLE_ENDIAN, type Slab } from '../core/slab.ts';
import type { Carrier } from '../reliability/carrier.ts';
import { Lane } from '../reliability/lane.ts';
import type { Genes } from '../reliability/match.ts';
import type { Outgoing } from '../reliability/outgoing.ts';
import { SeenSeqs } from '../reliability/seen.ts';
import { seqPlus } from '../reliability/sequence.ts';
import { SeqTable } from '../reliability/table.ts';
import * as frame from '../transport/wire/frame.ts';

const EMPTY = new Uint8Array(0);

/**
 * The answering half of a session. Each request runs at most once: `SeenSeqs` remembers every
 * sequence number ever seen, the table holds those that still run or whose reply may have to be
 * sent again, and a channel hands its requests out in order, one at a time. Sans-IO.
 */
export class Responder {
  readonly #resources: Resources;
  readonly #carrier: Carrier;
  readonly #id: ConnectorId;
  /** There is something to send. */
  readonly #touched: () => void;
  /** The peer keeps to no bound. */
  readonly #hostile: () => void;
  readonly #seen: SeenSeqs;
  readonly #held = new SeqTable<Incoming>();
  #owed = 0;
  readonly #aborted = new Denque<Incoming>();
  readonly #lanes = new Map<number, Lane<Incoming>>();
  readonly #ready = new Denque<Incoming>();
  /** Positions held behind gaps, over all channels. */
  readonly #gaps = { held: 0 };
  /** Refusals not acknowledged. */
  #refusals = 0;
  #draining = false;
  #ended = false;

  constructor(
    resources: Resources,
    carrier: Carrier,
    id: ConnectorId,
    firstSeq: number,
    touched: () => void,
    hostile: () => void,
  ) {
    this.#resources = resources;
    this.#carrier = carrier;
    this.#id = id;
    this.#touched = touched;
    this.#hostile = hostile;
    this.#seen = new SeenSeqs(firstSeq, resources.limits.seqWindow);
  }

  /** Requests whose handler runs or waits, or whose reply is not acknowledged. */
  get size(): number {
    return this.#held.size;
  }

  /** Those of them whose caller still wants to know. */
  get owed(): number {
    return this.#owed;
  }

  /** From now on new requests are refused with `closed`; those already here are finished. */
  drain(): void {
    this.#draining = true;
  }

  /**
   * Takes the REQUEST whose payload, header included, is slab[at, end); checked to be whole. Gives
   * whether it was news.
   */
  handleRequest(genes: Genes, slab: Slab, at: number, end: number, now: number): boolean {
    const sighting = this.#seen.sighting(genes.seq);
    if (sighting === 'duplicate') this.#handleDuplicate(genes, now);
    if (sighting === 'beyond') this.#hostile();
    if (sighting !== 'new') return false;
    const { channel, lane, position } = this.#place(slab, at);
    this.#seen.add(genes.seq);
    const refusal = lane === null ? frame.STATUS_BUSY : this.#refusal(end - at);
    if (refusal !== undefined) {
      lane?.put(position, undefined); // refused, its place is taken all the same
      this.#sendRefusal(genes, refusal);
    } else {
      const incoming = this.#read(genes, slab, at, end, channel, now);
      this.#hold(incoming);
      if (lane) {
        lane.put(position, incoming);
        this.#resources.deadlines.add(incoming); // it may wait long; its caller does not
      } else {
        this.#ready.push(incoming);
      }
    }
    this.#release(lane);
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
      this.#hostile();
      return;
    }
    if (sighting === 'new') {
      const { channel, lane, position } = this.#place(slab, at);
      this.#seen.add(genes.seq); // the request itself, if it still comes, is a duplicate
      lane?.put(position, undefined);
      this.#release(lane);
      if (channel !== 0) this.#sendRefusal(genes, frame.STATUS_EXPIRED);
      return;
    }
    const incoming = this.#held.get(genes.seq);
    if (incoming === undefined || incoming.ack !== genes.ack) return;
    if (incoming.state !== 'replied') this.#cancel(incoming);
    else if (incoming.channel === 0) this.#forget(incoming);
  }

  /** The peer has a reply. */
  handleDelivered(reply: Outgoing): void {
    const incoming = this.#held.get(reply.seq);
    if (incoming?.reply === reply) this.#forget(incoming);
    else this.#countRefusals(-1);
  }

  /**
   * The next request to be handed to its handler, which must then be answered by `reply`. Requests
   * that expired or were taken back while they waited never get here: they did not run.
   */
  pollRequest(now: number): Incoming | undefined {
    for (;;) {
      const incoming = this.#ready.shift();
      if (incoming === undefined) return undefined;
      incoming.state = 'running';
      this.#resources.deadlines.remove(incoming);
      if (!incoming.cancelled && incoming.deadline > now) return incoming;
      this.refuse(incoming, frame.STATUS_EXPIRED);
    }
  }

  /** The next request whose handler is to be told that nobody wants its reply. */
  pollAborted(): Incoming | undefined {
    return this.#aborted.shift();
  }

  /** Ends a request that ran: sends its reply, unless nobody wants it any more. */
  reply(incoming: Incoming, status: number, format: number, payload: Uint8Array): void {
    if (incoming.state === 'replied') return; // its session was over first
    if (incoming.cancelled) {
      this.refuse(incoming, frame.STATUS_EXPIRED);
      return;
    }
    this.#finish(incoming);
    const { scratch, replies } = this.#resources;
    const identity = this.#replyIdentity(incoming);
    const reply = encodeReply(scratch, identity, status, format, payload);
    incoming.reply = reply;
    this.#carrier.enqueue(reply);
    replies.keep(reply, () => this.#evict(incoming));
  }

  /** Ends a request without its handler's word: it did not run, or nobody wants to know. */
  refuse(incoming: Incoming, status: number): void {
    if (incoming.state === 'replied') return;
    this.#finish(incoming);
    this.#forget(incoming);
    if (incoming.answered) return;
    if (!incoming.cancelled || incoming.channel !== 0) this.#sendRefusal(incoming, status);
  }

  /** The session is over: handlers are told, replies dropped. */
  fail(): void {
    for (const incoming of [...this.#held.values()]) {
      this.#cancel(incoming);
      this.#forget(incoming);
    }
    this.#ready.clear();
    this.#countRefusals(-this.#refusals);
    this.#ended = true;
  }

  #handleDuplicate(genes: Genes, now: number): void {
    this.#resources.counters.duplicateRequests += 1;
    const incoming = this.#held.get(genes.seq);
    // The caller asks again: it lacks the reply, or did when it asked.
    if (incoming?.reply !== undefined && incoming.ack === genes.ack) {
      this.#resources.replies.use(incoming.reply);
      this.#carrier.resend(incoming.reply, now);
    }
  }

  /** The status to refuse a new request of `length` bytes with, if it is to be. */
  #refusal(length: number): number | undefined {
    if (this.#draining) return frame.STATUS_CLOSED;
    const { limits, requestsHeld, requestBytesHeld } = this.#resources;
    const full =
      requestsHeld >= limits.requestsMax || requestBytesHeld + length > limits.requestBytesMax;
    return full ? frame.STATUS_BUSY : undefined;
  }

  /** Answers a request that is not held. Whoever acknowledges none of many gets no more. */
  #sendRefusal(genes: Genes, status: number): void {
    if (this.#ended) return;
    const identity = this.#replyIdentity(genes);
    const { scratch, limits } = this.#resources;
    this.#carrier.enqueue(encodeReply(scratch, identity, status, frame.FORMAT_NONE, EMPTY));
    this.#touched();
    this.#countRefusals(1);
    const { refusalsHeld } = this.#resources;
    if (this.#refusals > limits.callsPerSessionMax || refusalsHeld > limits.refusalsMax) {
      this.#hostile();
    }
  }

  #countRefusals(change: number): void {
    this.#refusals += change;
    this.#resources.refusalsHeld += change;
  }

  #read(genes: Genes, slab: Slab, at: number, end: number, channel: number, now: number): Incoming {
    const { bytes, view } = slab;
    const budget = view.getUint32(at + frame.REQUEST_BUDGET, LITTLE_ENDIAN);
    const methodAt = at + frame.REQUEST_HEADER;
    const payloadAt = methodAt + view.getUint8(at + frame.REQUEST_METHOD_LENGTH);
    const parts = {
      seq: genes.seq,
      ack: genes.ack,
      method: decodeMethod(bytes, methodAt, payloadAt),
      format: view.getUint8(at + frame.REQUEST_FORMAT),
      payload: bytes.slice(payloadAt, end),
      deadline: budget === frame.BUDGET_NONE ? Infinity : now + budget / 1000,
      channel,
    };
    return new Incoming(parts, this.#hooks);
  }

  /** Shared by all requests: a closure each would cost more than the rest of them. */
  readonly #hooks: IncomingHooks = {
    watched: (incoming) => {
      this.#resources.deadlines.add(incoming);
      this.#resources.armed(); // a handler may ask for its signal at any time
    },
    expired: (incoming) => {
      this.#cancel(incoming);
      incoming.answered = true;
      this.#sendRefusal(incoming, frame.STATUS_EXPIRED);
    },
  };

  /**
   * The place that a REQUEST or CANCEL has: no lane outside of channels; null if there is no such
   * place, in a channel that is not allowed here or at a position that no honest peer uses.
   */
  #place(
    slab: Slab,
    at: number,
  ): {
    readonly channel: number;
    readonly position: number;
    readonly lane: Lane<Incoming> | null | undefined;
  } {
    const channel = slab.view.getUint16(at + frame.REQUEST_CHANNEL, LITTLE_ENDIAN);
    const position = slab.view.getUint32(at + frame.REQUEST_POSITION, LITTLE_ENDIAN);
    const lane = channel === 0 ? undefined : this.#lane(channel, position);
    return { channel, position, lane };
  }

  #lane(channel: number, position: number): Lane<Incoming> | null {
    const { channelsMax, seqWindow } = this.#resources.limits;
    let lane = this.#lanes.get(channel);
    if (lane === undefined) {
      if (channel > channelsMax) return null;
      lane = new Lane<Incoming>(seqWindow, this.#gaps);
      this.#lanes.set(channel, lane);
    }
    const placement = lane.placement(position);
    if (placement === 'held') return this.#gaps.held < seqWindow ? lane : null;
    return placement === 'ready' ? lane : null;
  }

  #release(lane: Lane<Incoming> | null | undefined): void {
    const next = lane?.take();
    if (next === undefined) return;
    this.#ready.push(next);
    this.#touched();
  }

  #hold(incoming: Incoming): void {
    this.#held.add(incoming);
    this.#owed += 1;
    this.#resources.requestsHeld += 1;
    this.#resources.requestBytesHeld += incoming.payload.length;
  }

  /** Its handler has finished, or will not run: the next of its channel may start. */
  #finish(incoming: Incoming): void {
    this.#touched();
    incoming.state = 'replied';
    this.#resources.deadlines.remove(incoming);
    this.#resources.requestBytesHeld -= incoming.takePayload();
    if (incoming.channel === 0) return;
    const lane = this.#lanes.get(incoming.channel);
    lane?.finish(incoming);
    this.#release(lane);
  }

  #cancel(incoming: Incoming): void {
    if (incoming.cancelled) return;
    incoming.cancelled = true;
    this.#owed -= 1;
    this.#resources.deadlines.remove(incoming);
    // Its place in a queue remains; a handler that runs counts until it has ended.
    if (incoming.state === 'waiting') this.#forget(incoming);
    else this.#aborted.push(incoming);
    this.#touched();
  }

  #evict(incoming: Incoming): void {
    const evicted = incoming.reply;
    if (evicted === undefined || evicted.done) return;
    this.#resources.counters.repliesEvicted += 1;
    evicted.withdraw();
    const identity = this.#replyIdentity(incoming);
    const { scratch } = this.#resources;
    const notice = encodeReply(scratch, identity, frame.STATUS_EVICTED, frame.FORMAT_NONE, EMPTY);
    incoming.reply = notice;
    this.#carrier.enqueue(notice);
    this.#touched();
  }

  #forget(incoming: Incoming): void {
    if (!this.#held.delete(incoming.seq)) return;
    if (!incoming.cancelled) this.#owed -= 1;
    this.#resources.requestsHeld -= 1;
    this.#resources.requestBytesHeld -= incoming.takePayload();
    if (incoming.reply === undefined) return;
    incoming.reply.withdraw();
    this.#resources.replies.release(incoming.reply);
  }

  #replyIdentity(request: Genes): { id: ConnectorId; seq: number; ack: number } {
    return { id: this.#id, seq: request.seq, ack: seqPlus(request.ack, 1) };
  }
}

const decoder = new TextDecoder();

/** Reads a method's name: short ASCII by character codes, which is three times as fast. */
function decodeMethod(bytes: Uint8Array, from: number, to: number): string {
  let name = '';
  for (let at = from; at < to; at++) {
    const code = bytes[at]!;
    if (code > 0x7f) return decoder.decode(bytes.subarray(from, to));
    name += String.fromCharCode(code);
  }
  return name;
}
