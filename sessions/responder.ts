import Denque from 'denque';
import { encodeReply } from './encode.ts';
import { Incoming } from './incoming.ts';
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
  readonly #seen: SeenSeqs;
  readonly #held = new SeqTable<Incoming>();
  readonly #lanes = new Map<number, Lane<Incoming>>();
  readonly #ready = new Denque<Incoming>();
  #draining = false;

  constructor(
    resources: Resources,
    carrier: Carrier,
    id: ConnectorId,
    firstSeq: number,
    touched: () => void,
  ) {
    this.#resources = resources;
    this.#carrier = carrier;
    this.#id = id;
    this.#touched = touched;
    this.#seen = new SeenSeqs(firstSeq, resources.limits.seqWindow);
  }

  /** Requests whose handler runs or waits, or whose reply is not acknowledged. */
  get size(): number {
    return this.#held.size;
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
    if (sighting !== 'new') return false; // `beyond` is what no honest peer sends: as if lost
    const channel = slab.view.getUint16(at + frame.REQUEST_CHANNEL, LITTLE_ENDIAN);
    const position = slab.view.getUint32(at + frame.REQUEST_POSITION, LITTLE_ENDIAN);
    const lane = channel === 0 ? undefined : this.#lane(channel, position);
    this.#seen.add(genes.seq);
    const incoming = this.#read(genes, slab, at, end, channel, now);
    this.#held.add(incoming);
    this.#resources.requestsHeld += 1;
    const refusal = lane === null ? frame.STATUS_BUSY : this.#refusal();
    if (refusal !== undefined) {
      lane?.put(position, undefined); // refused, its place is taken all the same
      this.refuse(incoming, refusal);
    } else if (lane) {
      lane.put(position, incoming);
    } else {
      this.#ready.push(incoming);
    }
    this.#release(lane);
    return true;
  }

  /** Takes the CANCEL of the request with these genes. */
  handleCancel(genes: Genes, slab: Slab, at: number): void {
    const sighting = this.#seen.sighting(genes.seq);
    if (sighting === 'beyond') return;
    if (sighting === 'new') {
      const channel = slab.view.getUint16(at + frame.REQUEST_CHANNEL, LITTLE_ENDIAN);
      const position = slab.view.getUint32(at + frame.REQUEST_POSITION, LITTLE_ENDIAN);
      const lane = channel === 0 ? undefined : this.#lane(channel, position);
      this.#seen.add(genes.seq); // the request itself, if it still comes, is a duplicate
      lane?.put(position, undefined);
      this.#release(lane);
      return;
    }
    const incoming = this.#held.get(genes.seq);
    if (incoming === undefined || incoming.ack !== genes.ack) return;
    this.#cancel(incoming);
    if (incoming.state === 'replied') this.#forget(incoming);
  }

  /** The peer has a reply. */
  handleDelivered(reply: Outgoing): void {
    const incoming = this.#held.get(reply.seq);
    if (incoming?.reply === reply) this.#forget(incoming);
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
      if (!incoming.cancelled && incoming.deadline > now) return incoming;
      this.refuse(incoming, frame.STATUS_EXPIRED);
    }
  }

  /** Ends a request: sends its reply, unless nobody wants it any more. */
  reply(incoming: Incoming, status: number, format: number, payload: Uint8Array): void {
    this.#touched();
    incoming.state = 'replied';
    this.#resources.deadlines.remove(incoming);
    if (incoming.channel !== 0) {
      const lane = this.#lanes.get(incoming.channel);
      lane?.finish(incoming);
      this.#release(lane);
    }
    if (incoming.cancelled) {
      this.#forget(incoming);
      return;
    }
    const { scratch, replies } = this.#resources;
    const identity = this.#replyIdentity(incoming);
    const reply = encodeReply(scratch, identity, status, format, payload);
    incoming.reply = reply;
    this.#carrier.enqueue(reply);
    replies.keep(reply, () => this.#evict(incoming));
  }

  /** Ends a request that its handler did not run for, whatever the reason. */
  refuse(incoming: Incoming, status: number): void {
    this.reply(incoming, status, frame.FORMAT_NONE, EMPTY);
  }

  /** The session is over: handlers are told, replies dropped. */
  fail(): void {
    for (const incoming of [...this.#held.values()]) {
      this.#cancel(incoming);
      if (incoming.state !== 'running') this.#forget(incoming);
    }
    this.#ready.clear();
  }

  #handleDuplicate(genes: Genes, now: number): void {
    this.#resources.counters.duplicateRequests += 1;
    const incoming = this.#held.get(genes.seq);
    // The caller asks again: it lacks the reply, or did when it asked.
    if (incoming?.reply !== undefined && incoming.ack === genes.ack) {
      this.#carrier.resend(incoming.reply, now);
    }
  }

  #refusal(): number | undefined {
    if (this.#draining) return frame.STATUS_CLOSED;
    const { limits, requestsHeld } = this.#resources;
    return requestsHeld > limits.requestsMax ? frame.STATUS_BUSY : undefined;
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
    return new Incoming(parts, this.#watch);
  }

  readonly #watch = (incoming: Incoming): void => {
    this.#resources.deadlines.add(incoming);
    this.#resources.armed(); // a handler may ask for its signal at any time
  };

  /**
   * The channel's lane, with the position free in it; null if there is no such place: more channels
   * than are allowed here, or a position that no honest peer uses.
   */
  #lane(channel: number, position: number): Lane<Incoming> | null {
    const { channelsMax, seqWindow } = this.#resources.limits;
    let lane = this.#lanes.get(channel);
    if (lane === undefined) {
      if (channel > channelsMax) return null;
      lane = new Lane<Incoming>(seqWindow);
      this.#lanes.set(channel, lane);
    }
    const placement = lane.placement(position);
    return placement === 'ready' || placement === 'held' ? lane : null;
  }

  #release(lane: Lane<Incoming> | null | undefined): void {
    const next = lane?.take();
    if (next !== undefined) this.#ready.push(next);
  }

  #cancel(incoming: Incoming): void {
    incoming.cancelled = true;
    this.#resources.deadlines.remove(incoming);
    if (incoming.reply !== undefined) incoming.reply.done = true;
    incoming.abort();
  }

  #evict(incoming: Incoming): void {
    const evicted = incoming.reply;
    if (evicted === undefined || evicted.done) return;
    this.#resources.counters.repliesEvicted += 1;
    evicted.done = true;
    const identity = this.#replyIdentity(incoming);
    const { scratch } = this.#resources;
    const notice = encodeReply(scratch, identity, frame.STATUS_EVICTED, frame.FORMAT_NONE, EMPTY);
    incoming.reply = notice;
    this.#carrier.enqueue(notice);
    this.#touched();
  }

  #forget(incoming: Incoming): void {
    if (!this.#held.delete(incoming.seq)) return;
    this.#resources.requestsHeld -= 1;
    if (incoming.reply !== undefined) this.#resources.replies.release(incoming.reply);
  }

  #replyIdentity(incoming: Incoming): { id: ConnectorId; seq: number; ack: number } {
    return { id: this.#id, seq: incoming.seq, ack: seqPlus(incoming.ack, 1) };
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
