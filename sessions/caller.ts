import Denque from 'denque';
import type { Call, Holder, Manner, Settlement } from './call.ts';
import { Channels, UNORDERED } from './channels.ts';
import type { Draft } from './draft.ts';
import { encodeCancel, encodeRequest, Naming, type Said } from './encode.ts';
import { Flow, type FlowLink } from './flow.ts';
import { isLast, piecesBefore, readSettlement, unreadable } from './reply.ts';
import type { Resources } from './resources.ts';
import type { ErrorCode, Outcome } from '../core/errors.ts';
import { assert } from '../core/assert.ts';
import type { Slab } from '../core/slab.ts';
import type { Carrier } from '../reliability/carrier.ts';
import type { Kept } from '../reliability/kept.ts';
import { answers, classify, type Genes } from '../reliability/match.ts';
import type { Outgoing } from '../reliability/outgoing.ts';
import { seqDistance, seqPlus } from '../reliability/sequence.ts';
import { SeqTable } from '../reliability/table.ts';
import { CN_MSG_HEADER, cnMsgAck, cnMsgSeq } from '../transport/wire/cnmsg.ts';
import * as frame from '../transport/wire/frame.ts';
import type { Incarnation } from '../transport/wire/handshake.ts';

const EMPTY = new Uint8Array(0);

/** Holds what a caller is made of. */
export interface CallerParts {
  readonly link: FlowLink;
  /** The peer's process. */
  readonly incarnation: Incarnation;
  readonly firstSeq: number;
  /** The peer's duplicate detection reaches this far ahead of the oldest call it has not seen. */
  readonly window: number;
  /** The longest value that the peer takes, bytes. */
  readonly valueMax: number;
  /** The peer keeps to no bound. */
  readonly hostile: () => void;
}

/**
 * The calling half of a session: numbers the calls (seq + 1 each, ack at random), matches the
 * replies by seq and ack + 1, and keeps each call until the peer needs no more word of it. Sans-IO.
 */
export class Caller implements Holder {
  readonly incarnation: Incarnation;
  readonly #resources: Resources;
  readonly #carrier: Carrier;
  readonly #naming: Naming;
  /** The peer's duplicate detection reaches this far ahead of the oldest call it has not seen. */
  readonly #window: number;
  /** There is something to send or to report. */
  readonly #touched: () => void;
  /** The peer keeps to no bound. */
  readonly #hostile: () => void;
  readonly #link: FlowLink;
  /** The longest value that the peer takes. */
  readonly #valueMax: number;
  readonly #channels: Channels;
  readonly #calls = new SeqTable<Call>();
  /**
   * Calls that wait for a sequence number within the window, or for others to be sent before them:
   * without a number they can be taken back without a word to the peer.
   */
  readonly #waiting = new Denque<Call>();
  /** Those of them that are not settled. */
  #waitingOpen = 0;
  readonly #settled = new Denque<Call>();
  /** Calls whose callers may begin to send further values. */
  readonly #begun = new Denque<Call>();
  #next: number;
  /** Every call before this one is delivered. */
  #undelivered: number;
  #open = 0;
  #bytes = 0;

  constructor(parts: CallerParts) {
    const { link, firstSeq } = parts;
    this.incarnation = parts.incarnation;
    this.#link = link;
    this.#resources = link.resources;
    this.#carrier = link.carrier;
    this.#naming = new Naming(link.id);
    this.#next = firstSeq;
    this.#undelivered = firstSeq;
    this.#window = parts.window;
    this.#valueMax = parts.valueMax;
    this.#touched = link.touched;
    this.#hostile = parts.hostile;
    this.#channels = new Channels(link.resources.limits.channelsMax);
  }

  /** True if all that it would do differently from a new one is what `suspend` keeps. */
  get dormant(): boolean {
    return this.size === 0 && this.#settled.length === 0 && this.#begun.length === 0;
  }

  /** Only while it is `dormant`: then every call is delivered. */
  suspend(kept: Kept): void {
    kept.put(this.#next);
    this.#channels.suspend(kept);
  }

  resume(kept: Kept): void {
    this.#next = kept.take();
    this.#undelivered = this.#next;
    this.#channels.resume(kept);
  }

  /** Calls not settled. */
  get open(): number {
    return this.#open;
  }

  /** Calls of which the peer still needs word, settled or not. */
  get size(): number {
    return this.#calls.size + this.#waitingOpen;
  }

  /** Takes a call; the reason if it does not, and then nothing happened. */
  call(call: Call): 'busy' | 'too-big' | undefined {
    const { limits, deadlines } = this.#resources;
    const { length } = call;
    if (length > this.#valueMax) return 'too-big';
    if (this.size >= limits.callsPerSessionMax) return 'busy';
    const bytes = this.#bytes + length;
    if (this.#bytes > 0 && bytes > limits.callBytesPerSessionMax) return 'busy';
    const direct = this.#waitingOpen === 0 && this.#inWindow() && this.#carrier.hungry;
    const { draft } = call;
    assert(draft !== undefined, 'a call has not been encoded before it is submitted');
    if (direct) {
      if (!this.#admit(call, draft)) return 'busy';
    } else {
      draft.own(this.#resources.copies);
      call.deadline = draft.sendBy;
      this.#waiting.push(call);
      this.#waitingOpen += 1;
    }
    this.#open += 1;
    this.#bytes = bytes;
    call.holder = this;
    deadlines.add(call);
    this.#touched();
    return undefined;
  }

  handleExpired(call: Call): void {
    if (call.deadline < call.expires) this.abandon(call, 'busy', 'it waited too long to be sent');
    else this.abandon(call, 'deadline-exceeded', 'no reply within the time allowed');
  }

  handleAborted(call: Call): void {
    this.abandon(call, 'cancelled', 'aborted by the caller');
  }

  /**
   * Settles an open call on this side's own account and takes it back from the peer: it will not be
   * started any more, and if it runs its signal is aborted.
   */
  abandon(call: Call, code: ErrorCode, message: string): void {
    if (call.settlement !== undefined) return;
    this.#settle(call, { ok: false, code, outcome: call.outcome, message });
    const { message: request } = call;
    if (request === undefined) {
      // It still waits for a number, and is skipped when its turn comes.
      call.letGo();
      this.#waitingOpen -= 1;
      if (this.#waitingOpen === 0) this.#waiting.clear();
      return;
    }
    request.withdraw();
    call.flow?.discard();
    call.letGo();
    const identity = this.#naming.of(request.seq, request.ack);
    const { number, position } = call.place ?? UNORDERED;
    call.message = encodeCancel(this.#resources.arena, identity, number, position);
    this.#carrier.enqueue(call.message);
  }

  /**
   * Takes the REPLY slab[at, end), checked to be whole. Gives whether it was news.
   */
  handleReply(slab: Slab, at: number, end: number): boolean {
    const { counters, copies } = this.#resources;
    const seq = cnMsgSeq(slab, at);
    const call = this.#calls.get(seq);
    if (call?.message === undefined) {
      counters.duplicateReplies += 1;
      return false;
    }
    if (!answers(call.message, seq, cnMsgAck(slab, at))) {
      counters.unmatchedReplies += 1;
      return false;
    }
    call.message.done = true; // the reply acknowledges its request, and what takes it back
    const bodyAt = at + CN_MSG_HEADER;
    const settlement = readSettlement(copies, slab, bodyAt, end);
    const pieces = piecesBefore(slab, bodyAt);
    if (!isLast(slab, bodyAt)) {
      // Another reply says when its place in the channel is free.
      if (call.settlement === undefined) this.#settle(call, settlement);
      this.#advance();
      return true;
    }
    if (call.settlement === undefined) {
      if (pieces !== undefined) {
        call.ending = { settlement, pieces };
        if (call.flow?.received !== pieces) {
          this.#advance(); // they are still to come, but the peer has the request
          return true;
        }
      }
      this.#conclude(call, settlement);
    }
    this.#forget(call);
    return true;
  }

  /** Takes the REPLY_PIECE whose payload is slab[at, end). Gives whether it was news. */
  handlePiece(genes: Genes, slab: Slab, at: number, end: number): boolean {
    const call = this.#calls.get(genes.seq);
    if (call?.message === undefined || call.settlement !== undefined) return false;
    if (classify(call.message, genes) !== 'reply') return false;
    call.flow ??= new Flow(this.#link, call.message);
    const sighting = call.flow.accept(slab, at, end);
    if (sighting === 'beyond') this.#hostile();
    else if (sighting === 'full') this.handleOverflow(call.seq);
    else if (call.ending?.pieces === call.flow.received) {
      this.#conclude(call, call.ending.settlement);
      this.#forget(call);
    }
    return sighting !== 'duplicate';
  }

  /** There is no room for what is replied to a call: it ends, if it has not. */
  handleOverflow(seq: number): void {
    const call = this.#calls.get(seq);
    if (call !== undefined) this.abandon(call, 'busy', 'no room for what the peer replies');
  }

  /** Takes the REQUEST_CREDIT of a call: how far its values may go. */
  handleCredit(genes: Genes, limit: number): void {
    const call = this.#calls.get(genes.seq);
    if (call?.message === undefined || classify(call.message, genes) !== 'reply') return;
    call.flow?.setLimit(limit);
  }

  /** The peer has a request or a piece of it, or the word that it was taken back. */
  handleDelivered(message: Outgoing): void {
    const call = this.#calls.get(message.seq);
    if (call === undefined) return;
    call.flow?.handleDelivered();
    // In a channel the reply to CANCEL says when the place, and so the channel's number, is free.
    if (message.kind === frame.CANCEL && call.place === undefined) this.#forget(call);
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
        const outcome = call.outcome === 'unknown' ? transmitted : call.outcome;
        this.#settle(call, { ok: false, code, outcome, message });
      }
      if (call.message !== undefined) call.message.done = true;
      call.flow?.discard();
      this.#calls.delete(call.seq);
    }
    this.#waiting.clear();
    this.#waitingOpen = 0;
  }

  /** The next call that was settled; its `settled` is to be called outside of the machine. */
  pollSettled(): Call | undefined {
    return this.#settled.shift();
  }

  /** The next call whose caller may send further values. */
  pollBegun(): Call | undefined {
    return this.#begun.shift();
  }

  #inWindow(): boolean {
    return seqDistance(this.#undelivered, this.#next) < this.#window;
  }

  /** Gives a call its number and place and sends it; false if too many channels are in use. */
  #admit(call: Call, draft: Draft): boolean {
    if (draft.channel !== undefined) {
      call.place = this.#channels.place(draft.channel);
      if (call.place === undefined) return false;
    }
    const { random, arena } = this.#resources;
    const { kind } = call.manner;
    const place = call.place ?? UNORDERED;
    const inPieces = call.length > this.#link.wholeMax;
    const identity = this.#naming.of(this.#next, random.u32());
    this.#next = seqPlus(this.#next, 1);
    const said = inPieces || call.streaming ? opening(draft, call.manner, inPieces) : draft;
    call.message = encodeRequest(arena, identity, kind, place, said, call);
    this.#calls.add(call);
    this.#carrier.enqueue(call.message);
    if (inPieces || call.streaming) call.flow = new Flow(this.#link, call.message);
    if (inPieces) {
      draft.own(this.#resources.copies); // it is read until the peer has let all of it go
      call.flow?.write(draft, nothing);
    } else call.letGo();
    if (call.streaming) this.#begun.push(call);
    return true;
  }

  /** A call that waited is sent: what is left is all of its time. */
  #refile(call: Call): void {
    const { deadlines } = this.#resources;
    deadlines.remove(call);
    call.deadline = call.expires;
    deadlines.add(call);
  }

  /** Settles a call whose reply, and all that goes before it, has come. */
  #conclude(call: Call, settlement: Settlement): void {
    const { flow, ending, manner } = call;
    flow?.close();
    if (manner.takesStream) {
      this.#settle(call, settlement);
      return; // its taker goes on to take what has come
    }
    const value = ending !== undefined && settlement.ok ? flow?.take() : undefined;
    if (value !== undefined) {
      this.#settle(call, { ok: true, format: value.format, payload: value.bytes });
    } else this.#settle(call, ending !== undefined && settlement.ok ? unreadable : settlement);
    flow?.discard();
  }

  #settle(call: Call, settlement: Settlement): void {
    call.settlement = settlement;
    this.#resources.deadlines.remove(call);
    this.#open -= 1;
    this.#bytes -= call.length;
    this.#settled.push(call);
    this.#touched(); // also when it happens while sending, after the others were told
  }

  #forget(call: Call): void {
    if (!this.#calls.delete(call.seq)) return;
    if (call.place !== undefined) this.#channels.release(call.place.channel);
    this.#advance();
  }

  /** Moves the window over what is delivered. */
  #advance(): void {
    while (this.#undelivered !== this.#next) {
      const call = this.#calls.get(this.#undelivered);
      if (call !== undefined && !call.delivered) break;
      this.#undelivered = seqPlus(this.#undelivered, 1);
    }
  }

  /**
   * Gives numbers to calls that wait, as far as there is something to send them in, and to `least`
   * in any case: what else is being sent must not hold them up for ever.
   */
  admit(least: number): void {
    for (let left = least; this.#waiting.length > 0 && this.#inWindow(); left--) {
      if (left <= 0 && !this.#carrier.hungry) return;
      const call = this.#waiting.shift()!;
      const { draft } = call;
      if (call.settlement !== undefined || draft === undefined) continue;
      this.#waitingOpen -= 1;
      this.#refile(call);
      if (this.#admit(call, draft)) continue;
      const message = 'calls are open in too many channels';
      this.#settle(call, { ok: false, code: 'busy', outcome: 'not-sent', message });
    }
  }
}

/** What a request says with which, and behind which, more goes in pieces. */
function opening(draft: Draft, { streams, takesStream }: Manner, inPieces: boolean): Said {
  const bits =
    (inPieces ? frame.REQUEST_IN_PIECES : 0) |
    (streams ? frame.REQUEST_STREAMS : 0) |
    (takesStream ? frame.REQUEST_TAKES_STREAM : 0);
  const { method, format, bytes } = draft;
  return { method, format: format | bits, bytes: inPieces ? EMPTY : bytes };
}

function nothing(): void {}
