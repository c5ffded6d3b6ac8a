import Denque from 'denque';
import { BareRequest, type BareMessage, type BareRequestHooks } from './bare-request.ts';
import { ConsumedReplies } from './consumed.ts';
import type { Drop } from './counters.ts';
import { ReplyRoom } from './reply-room.ts';
import type { Resources } from './resources.ts';
import { plain } from '../core/copies.ts';
import { ConnectorError, required } from '../core/errors.ts';
import { formatId, type ConnectorId } from '../core/id.ts';
import type { Slab } from '../core/slab.ts';
import { seqDistance, seqPlus } from '../reliability/sequence.ts';
import type { Peer, SendOutcome, Source } from '../transport/transport.ts';
import {
  CN_MSG_HEADER,
  CN_MSG_PAYLOAD_MAX,
  readCnMsg,
  type CnMsgHeader,
} from '../transport/wire/cnmsg.ts';
import { messageLength, walkDatagram, writeMessage } from '../transport/wire/datagram.ts';

/** A message to a bare peer that waits to be sent. */
export interface BareSend extends Omit<CnMsgHeader, 'length'> {
  readonly peer: Peer;
  readonly payload: Uint8Array;
  /** The request that it belongs to; undefined for a reply, which is sent once. */
  readonly request: BareRequest | undefined;
}

/** Ids of which it is remembered that requests were open to them. */
const IDLE_IDS_MAX = 16;

/** Takes a new message of a bare peer. */
export type BareListener = (message: BareMessage) => void;

/**
 * Talk with bare peers: every agent in the kernel, and anything that knows the 20-byte header and
 * no more. Requests carry a unique seq and a random ack; replies are matched by the rule of the
 * agent; what answers nothing is a new message, except a duplicate of a reply that was consumed,
 * which by the letter of the 2005 text would be one too (semantics 4). Sans-IO.
 *
 * Most bare peers do not deduplicate: a request is repeated only if it is declared idempotent, or
 * its agent to remember replies. A new one waits until there is room for its reply.
 */
export class BareExchange {
  /** What replies may come to. */
  readonly room: ReplyRoom;
  readonly #resources: Resources;
  readonly #listeners = new Map<string, BareListener>();
  /**
   * Open requests by id, the oldest first: most often the first to be answered. A Set leaves one
   * table after the other behind, each pointing to the next: when one has grown old, all that come
   * after it grow old too, with what they hold (a third of the time of a call with 64 in flight).
   */
  readonly #pending = new Map<string, Denque<BareRequest>>();
  readonly #consumed: ConsumedReplies;
  readonly #sends = new Denque<BareSend>();
  /** Requests that were never sent, in order. */
  readonly #waiting = new Denque<BareRequest>();
  /** Requests that the transport would not take, in order. */
  readonly #refused = new Set<BareRequest>();
  /** New messages for listeners, to be handed over outside of the machine. */
  readonly #news = new Denque<{ readonly listener: BareListener; readonly message: BareMessage }>();
  readonly #now: () => number;
  #open = 0;
  #seq: number;

  /** `now` is the time of the driver's current turn. */
  constructor(resources: Resources, now: () => number) {
    this.#resources = resources;
    this.#now = now;
    this.room = new ReplyRoom(resources.traits);
    this.#seq = resources.random.u32();
    this.#consumed = new ConsumedReplies(resources.limits.completedPairsMax);
  }

  /** Requests not settled. */
  get open(): number {
    return this.#open;
  }

  /** Hands new messages of an id to `listener`; one per id, as in cn_add_callback. */
  listen(id: ConnectorId, listener: BareListener): void {
    const key = formatId(id);
    if (this.#listeners.has(key)) {
      throw new ConnectorError('invalid-argument', `${key} has a callback already`);
    }
    this.#listeners.set(key, listener);
  }

  unlisten(id: ConnectorId): void {
    this.#listeners.delete(formatId(id));
  }

  /** Starts a request: it is settled by a matching reply, its deadline or its cancellation. */
  request(request: BareRequest): void {
    const { limits, random, deadlines } = this.#resources;
    if (this.#open >= limits.bareRequestsMax) {
      const message = `${this.#open} requests to bare peers are open`;
      throw new ConnectorError('busy', message, { outcome: 'not-sent' });
    }
    this.#seq = seqPlus(this.#seq, 1);
    let ack = random.u32();
    // w1 marks data by ack = seq + 1 and status by the request's ack: they must differ (KF §3.1).
    while (ack === seqPlus(this.#seq, 1)) ack = random.u32();
    request.begin({ seq: this.#seq, ack }, this.#now(), this.#hooks);
    const key = formatId(request.options.id);
    const siblings = this.#pending.get(key);
    // The waiter stands before anything is sent: a kernel agent answers inside our send (KF §2.3).
    if (siblings === undefined) this.#pending.set(key, new Denque([request]));
    else siblings.push(request);
    this.#open += 1;
    deadlines.add(request);
    this.#waiting.push(request);
  }

  /** Sends a reply by the documented rule: the same seq, ack + 1. */
  reply(message: BareMessage, payload: Uint8Array): void {
    const { id, seq, ack, peer } = message;
    required(payload.length <= CN_MSG_PAYLOAD_MAX, 'cn_msg.len has 16 bits');
    const header = { id, seq, ack: seqPlus(ack, 1), flags: 0 };
    this.#sends.push({ ...header, peer, payload: plain(payload).slice(), request: undefined });
  }

  /**
   * Takes a datagram that is no session's. Gives why it was dropped, if no message in it was good.
   */
  handleDatagram(
    slab: Slab,
    start: number,
    end: number,
    source: Source,
    now: number,
  ): Drop | undefined {
    let dropped: Drop | undefined;
    let good = false;
    const walked = walkDatagram(slab, start, end, (_at, cnAt) => {
      const reason = this.#handleMessage(slab, cnAt, source, now);
      if (reason === undefined) good = true;
      else dropped ??= reason;
    });
    if (typeof walked === 'string') return walked;
    return good ? undefined : dropped;
  }

  /** The next new message and who is to have it. */
  pollNews(): { readonly listener: BareListener; readonly message: BareMessage } | undefined {
    return this.#news.shift();
  }

  /**
   * The next message to be sent, written at the beginning of the slab, which has room for the
   * longest datagram; report what became of it to `transmitted`.
   */
  pollTransmit(slab: Slab): { readonly send: BareSend; readonly length: number } | undefined {
    for (;;) {
      const send = this.#sends.shift() ?? this.#admit();
      if (send === undefined) return undefined;
      if (send.request?.settled === true) continue;
      if (messageLength(send.payload.length) <= slab.bytes.length) {
        return { send, length: writeMessage(slab, send, send.payload) };
      }
      this.#resources.counters.sendFailed += 1;
      this.transmitted(send, 'too-big');
    }
  }

  transmitted(send: BareSend, outcome: SendOutcome): void {
    const { request } = send;
    if (request === undefined || request.settled) return;
    request.transmitted(outcome, this.#now());
    if (outcome === 'busy') this.#refused.add(request);
    this.#schedule(request);
  }

  /**
   * A batch was received. The connector refuses to send while our own queue is not empty; now it
   * is, or shorter. Without this, requests refused once can starve: their timers find the queue
   * full again each time, and new ones go out each time when it was just emptied.
   */
  handleReceived(): void {
    if (this.#refused.size === 0) return;
    for (const request of this.#refused) {
      if (!request.retry()) continue;
      this.#sends.push(sendOf(request));
      this.#schedule(request);
    }
    this.#refused.clear();
  }

  /**
   * The receive queue lost something, so everything that may be asked again is (semantics 26). That
   * the queue is empty before, the transport sees to (transport/netlink/inbox.ts, `clear`).
   */
  handleOverrun(): void {
    for (const siblings of this.#pending.values()) {
      for (const request of siblings.toArray()) {
        if (!request.handleOverrun()) continue;
        this.#sends.push(sendOf(request));
        this.#schedule(request);
      }
    }
  }

  /** The endpoint closes: every open request fails with what is known of it. */
  fail(message: string): void {
    for (const siblings of [...this.#pending.values()]) {
      for (const request of siblings.toArray()) request.fail('closed', message);
    }
  }

  #handleMessage(slab: Slab, at: number, source: Source, now: number): Drop | undefined {
    const cn = readCnMsg(slab, at);
    // Copied: what is delivered outlives the transport's slab.
    const payloadAt = at + CN_MSG_HEADER;
    const payload = this.#resources.copies.of(slab.bytes, payloadAt, payloadAt + cn.length);
    const key = formatId(cn.id);
    const siblings = this.#pending.get(key) ?? NONE;
    for (let index = 0; index < siblings.length; index++) {
      const request = siblings.peekAt(index)!;
      if (request.options.peer !== source.peer) continue;
      const match = request.match(cn, payload);
      if (match === 'no') continue;
      this.#consumed.add(source.peer, cn.id, cn);
      request.answered(bareMessage(cn, payload, source), match, now);
      return undefined;
    }
    if (this.#consumed.has(source.peer, cn.id, cn)) return 'consumed-reply';
    const listener = this.#listeners.get(key);
    if (listener === undefined) return 'unexpected';
    this.#news.push({ listener, message: bareMessage(cn, payload, source) });
    return undefined;
  }

  /** Shared by all requests. */
  readonly #hooks: BareRequestHooks = {
    due: (request) => this.#due(request),
    ended: (request) => this.#ended(request),
  };

  /** A request's time has come: it is over, or to be sent again. */
  #due(request: BareRequest): void {
    if (request.settled) return;
    if (request.repeat(this.#now())) this.#sends.push(sendOf(request));
    this.#schedule(request);
  }

  #schedule(request: BareRequest): void {
    this.#resources.deadlines.remove(request);
    if (!request.settled) this.#resources.deadlines.add(request);
  }

  #ended(request: BareRequest): void {
    const key = formatId(request.options.id);
    const siblings = this.#pending.get(key);
    if (siblings === undefined || !remove(siblings, request)) return;
    if (siblings.isEmpty() && this.#pending.size > IDLE_IDS_MAX) this.#pending.delete(key);
    this.#open -= 1;
    if (this.#refused.size > 0) this.#refused.delete(request);
    this.#resources.deadlines.remove(request);
    if (request.admitted) this.room.free(request.options.charge);
    if (!this.#waiting.isEmpty()) this.#resources.armed(); // its room is the next one's
  }

  /** The first sending of the next request, if there is room for its reply. */
  #admit(): BareSend | undefined {
    for (let next = this.#waiting.peekFront(); next; next = this.#waiting.peekFront()) {
      if (!next.settled) {
        const oldest = this.#pending.get(formatId(next.options.id))?.peekFront() ?? next;
        if (seqDistance(oldest.genes.seq, next.genes.seq) >= next.options.window) return undefined;
        if (!this.room.take(next.options.charge)) return undefined;
        next.admitted = true;
      }
      this.#waiting.shift();
      if (next.admitted) return sendOf(next);
    }
    return undefined;
  }
}

const NONE = new Denque<BareRequest>();

/** True if it was there. */
function remove(requests: Denque<BareRequest>, request: BareRequest): boolean {
  for (let index = 0; index < requests.length; index++) {
    if (requests.peekAt(index) === request) return requests.removeOne(index) !== undefined;
  }
  return false;
}

function sendOf(request: BareRequest): BareSend {
  const { id, flags, payload, peer } = request.options;
  const { seq, ack } = request.genes;
  return { id, seq, ack, flags, payload, peer, request };
}

function bareMessage(cn: CnMsgHeader, payload: Uint8Array, source: Source): BareMessage {
  const { peer, group, credentials: by } = source;
  return {
    id: cn.id,
    seq: cn.seq,
    ack: cn.ack,
    flags: cn.flags,
    payload,
    peer,
    group,
    credentials: by && { pid: by.pid, uid: by.uid, gid: by.gid },
  };
}
