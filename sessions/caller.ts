import Denque from 'denque';
import { Call, type Settlement } from './call.ts';
import { Channels } from './channels.ts';
import { encodeCancel, encodeRequest } from './encode.ts';
import type { Resources } from './resources.ts';
import type { ErrorCode, Outcome } from '../core/errors.ts';
import type { ConnectorId } from '../core/id.ts';
import type { Slab } from '../core/slab.ts';
import type { Carrier } from '../reliability/carrier.ts';
import { classify, type Genes } from '../reliability/match.ts';
import type { Outgoing } from '../reliability/outgoing.ts';
import { seqDistance, seqPlus } from '../reliability/sequence.ts';
import { SeqTable } from '../reliability/table.ts';
import * as frame from '../transport/wire/frame.ts';

/** What a failed reply means at the caller (docs/PROTOCOL.md §6). */
const failures: Readonly<Record<number, { code: ErrorCode; outcome: Outcome; message: string }>> = {
  [frame.STATUS_UNIMPLEMENTED]: {
    code: 'unimplemented',
    outcome: 'not-executed',
    message: 'the peer serves no such method',
  },
  [frame.STATUS_BUSY]: {
    code: 'busy',
    outcome: 'not-executed',
    message: 'the peer has too many requests',
  },
  [frame.STATUS_EXPIRED]: {
    code: 'deadline-exceeded',
    outcome: 'not-executed',
    message: 'expired before its turn came',
  },
  [frame.STATUS_CLOSED]: {
    code: 'closed',
    outcome: 'not-executed',
    message: 'the peer takes no more calls',
  },
  [frame.STATUS_MALFORMED]: {
    code: 'malformed',
    outcome: 'not-executed',
    message: 'the peer cannot read the payload',
  },
  [frame.STATUS_EVICTED]: {
    code: 'reply-evicted',
    outcome: 'executed',
    message: 'it ran, but its reply is gone',
  },
};

/**
 * The calling half of a session: numbers the calls (seq + 1 each, ack at random), matches the
 * replies by seq and ack + 1, and keeps each call until the peer needs no more word of it. Sans-IO.
 */
export class Caller {
  readonly #resources: Resources;
  readonly #carrier: Carrier;
  readonly #id: ConnectorId;
  /** The peer's duplicate detection reaches this far ahead of the oldest call it has not seen. */
  readonly #window: number;
  /** There is something to send or to report. */
  readonly #touched: () => void;
  readonly #channels: Channels;
  readonly #calls = new SeqTable<Call>();
  /** Calls that wait for a sequence number within the window. */
  readonly #waiting = new Denque<Call>();
  /** Those of them that are not settled. */
  #waitingOpen = 0;
  readonly #settled = new Denque<Call>();
  #next: number;
  /** Every call before this one is delivered. */
  #undelivered: number;
  #open = 0;
  #bytes = 0;

  constructor(
    resources: Resources,
    carrier: Carrier,
    id: ConnectorId,
    firstSeq: number,
    window: number,
    touched: () => void,
  ) {
    this.#resources = resources;
    this.#carrier = carrier;
    this.#id = id;
    this.#next = firstSeq;
    this.#undelivered = firstSeq;
    this.#window = window;
    this.#touched = touched;
    this.#channels = new Channels(resources.limits.channelsMax);
  }

  /** Calls not settled. */
  get open(): number {
    return this.#open;
  }

  /** Calls of which the peer still needs word, settled or not. */
  get size(): number {
    return this.#calls.size + this.#waitingOpen;
  }

  /** Takes a call; false if a bound is reached, and then nothing happened. */
  call(call: Call): boolean {
    const { limits, deadlines } = this.#resources;
    const { payload } = call.options;
    if (this.size >= limits.callsPerSessionMax) return false;
    const bytes = this.#bytes + payload.length;
    if (this.#bytes > 0 && bytes > limits.callBytesPerSessionMax) return false;
    const direct = this.#waitingOpen === 0 && this.#inWindow;
    if (direct && !this.#admit(call)) return false;
    if (!direct) {
      call.own();
      this.#waiting.push(call);
      this.#waitingOpen += 1;
    }
    this.#open += 1;
    this.#bytes += payload.length;
    call.onDeadline = this.#expired;
    deadlines.add(call);
    this.#touched();
    return true;
  }

  /**
   * Settles an open call on this side's own account and takes it back from the peer: it will not be
   * started any more, and if it runs its signal is aborted.
   */
  abandon(call: Call, code: ErrorCode, message: string): void {
    if (call.settlement !== undefined) return;
    this.#settle(call, { ok: false, code, outcome: call.outcome, message });
    this.#touched();
    const { request } = call;
    if (request === undefined) {
      // It still waits for a number, and is skipped when its turn comes.
      call.letGo();
      this.#waitingOpen -= 1;
      if (this.#waitingOpen === 0) this.#waiting.clear();
      return;
    }
    request.withdraw();
    call.letGo();
    const identity = { id: this.#id, seq: request.seq, ack: request.ack };
    call.cancel = encodeCancel(this.#resources.scratch, identity, call.channel, call.position);
    this.#carrier.enqueue(call.cancel);
  }

  /**
   * Takes the REPLY whose payload, header included, is slab[at, end). Gives whether it was news.
   */
  handleReply(genes: Genes, slab: Slab, at: number, end: number): boolean {
    const { counters } = this.#resources;
    const call = this.#calls.get(genes.seq);
    if (call?.request === undefined) {
      counters.duplicateReplies += 1;
      return false;
    }
    if (classify(call.request, genes) !== 'reply') {
      counters.unmatchedReplies += 1;
      return false;
    }
    call.request.done = true; // the reply acknowledges its request
    if (call.cancel !== undefined) call.cancel.done = true;
    if (call.settlement === undefined) this.#settle(call, readReply(slab, at, end));
    this.#forget(call);
    return true;
  }

  /** The peer has a request, or the word that it was taken back. */
  handleDelivered(message: Outgoing): void {
    const call = this.#calls.get(message.seq);
    if (call === undefined) return;
    // In a channel the reply to CANCEL says when the place, and so the channel's number, is free.
    if (message.kind === frame.CANCEL && call.channel === 0) this.#forget(call);
    else this.#advance();
  }

  /**
   * The session is over: settles every open call by what is known of it, in the order in which they
   * were made, so that those that go on in another session keep it.
   */
  fail(code: ErrorCode, message: string, transmitted: Outcome): void {
    const numbered = [...this.#calls.values()];
    numbered.sort((left, right) => seqDistance(right.seq, left.seq));
    for (const call of [...numbered, ...this.#waiting.toArray()]) {
      if (call.settlement === undefined) {
        const outcome = call.outcome === 'not-sent' ? 'not-sent' : transmitted;
        this.#settle(call, { ok: false, code, outcome, message });
      }
      if (call.request !== undefined) call.request.done = true;
      if (call.cancel !== undefined) call.cancel.done = true;
      this.#calls.delete(call.seq);
    }
    this.#waiting.clear();
    this.#waitingOpen = 0;
  }

  /** The next call that was settled; its `settled` is to be called outside of the machine. */
  pollSettled(): Call | undefined {
    return this.#settled.shift();
  }

  get #inWindow(): boolean {
    return seqDistance(this.#undelivered, this.#next) < this.#window;
  }

  readonly #expired = (call: Call): void => {
    this.abandon(call, 'deadline-exceeded', 'no reply within the time allowed');
  };

  /** Gives a call its number and place and sends it; false if too many channels are in use. */
  #admit(call: Call): boolean {
    const { options } = call;
    if (options.channel !== undefined) {
      const place = this.#channels.place(options.channel);
      if (place === undefined) return false;
      call.channel = place.number;
      call.position = place.position;
    }
    call.seq = this.#next;
    this.#next = seqPlus(this.#next, 1);
    const { random, scratch } = this.#resources;
    call.request = encodeRequest(
      scratch,
      { id: this.#id, seq: call.seq, ack: random.u32() },
      {
        channel: call.channel,
        position: call.position,
        method: options.method,
        format: options.format,
        payload: options.payload,
        deadline: options.deadline,
      },
    );
    this.#calls.add(call);
    this.#carrier.enqueue(call.request);
    return true;
  }

  #settle(call: Call, settlement: Settlement): void {
    call.settlement = settlement;
    this.#resources.deadlines.remove(call);
    this.#open -= 1;
    this.#bytes -= call.options.payload.length;
    this.#settled.push(call);
  }

  #forget(call: Call): void {
    if (!this.#calls.delete(call.seq)) return;
    if (call.options.channel !== undefined) this.#channels.release(call.options.channel);
    this.#advance();
  }

  /** Moves the window over what is delivered and admits calls that waited for it. */
  #advance(): void {
    while (this.#undelivered !== this.#next) {
      const call = this.#calls.get(this.#undelivered);
      if (call !== undefined && !call.delivered) break;
      this.#undelivered = seqPlus(this.#undelivered, 1);
    }
    while (this.#waiting.length > 0 && this.#inWindow) {
      const call = this.#waiting.shift()!;
      if (call.settlement !== undefined) continue;
      this.#waitingOpen -= 1;
      if (this.#admit(call)) continue;
      const message = 'calls are open in too many channels';
      this.#settle(call, { ok: false, code: 'busy', outcome: 'not-sent', message });
    }
  }
}

/** Reads a reply; its payload is copied, because the slab is the transport's. */
function readReply(slab: Slab, at: number, end: number): Settlement {
  const status = slab.view.getUint8(at + frame.REPLY_STATUS);
  const format = slab.view.getUint8(at + frame.REPLY_FORMAT);
  const payload = slab.bytes.slice(at + frame.REPLY_HEADER, end);
  if (status === frame.STATUS_OK) return { ok: true, format, payload };
  const failure = failures[status];
  if (failure !== undefined) return { ok: false, ...failure };
  // STATUS_APPLICATION, or a status of a later version: that it ran is all there is to know.
  const message = status === frame.STATUS_APPLICATION ? applicationMessage(payload) : 'failed';
  return { ok: false, code: 'application', outcome: 'executed', message };
}

/** The message of an error thrown by a handler: JSON `{message}`, from a peer, so anything. */
function applicationMessage(payload: Uint8Array): string {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(payload));
    if (typeof value === 'object' && value !== null && 'message' in value) {
      return String(value.message);
    }
  } catch {
    // Falls through: a peer may send anything.
  }
  return 'the handler failed';
}
