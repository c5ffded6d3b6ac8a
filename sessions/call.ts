import type { Place } from './channels.ts';
import { Draft } from './draft.ts';
import type { Flow } from './flow.ts';
import { Rejection } from './rejection.ts';
import type { Timed } from './resources.ts';
import type { Copies } from '../core/copies.ts';
import { ConnectorError, type ErrorCode, type Outcome } from '../core/errors.ts';
import type { Outgoing } from '../reliability/outgoing.ts';
import type { Expiring } from '../reliability/wheel.ts';
import { sameIncarnation, type Incarnation } from '../transport/wire/handshake.ts';

/** How a call ended. */
export type Settlement =
  { readonly ok: true; readonly format: number; readonly payload: Uint8Array } | Failure;

/** How a call failed, and what is known of it. */
export interface Failure {
  readonly ok: false;
  readonly code: ErrorCode;
  readonly outcome: Outcome;
  readonly message: string;
}

/** What kind of a call it is. Plain ones share theirs. */
export interface Manner {
  /** REQUEST or, for a message without a reply, SEND. */
  readonly kind: number;
  /** True if it may be repeated even if it may have run. */
  readonly idempotent: boolean;
  /** True if the caller sends further values. */
  readonly streams: boolean;
  /** True if the caller takes any number of values before the reply. */
  readonly takesStream: boolean;
  /** Called once it has a flow, outside of any state machine; not for calls without streams. */
  readonly begun: ((call: Call) => void) | undefined;
}

/** Resolves the caller's promise, or ends its stream, with a value or a `Rejection`. */
export type Taker = (value: unknown) => void;

/** Where calls are made. */
export interface Site {
  /** Told once the call has its settlement, outside of any state machine. */
  settled(call: Call): void;
}

/** Who has a call that is not settled, and ends it before its time. */
export interface Holder {
  /** The process that may run it; undefined while it waits for a session. */
  readonly incarnation?: Incarnation;
  /** Its deadline has come. */
  handleExpired(call: Call): void;
  /** Its caller aborts it. */
  handleAborted(call: Call): void;
}

/** Ties a call to its caller's signal. */
export interface Tie {
  /** As it goes on now. */
  call: Call;
  /** Its caller no longer wants it: it does not go on in another session. */
  aborted: boolean;
  readonly done: () => void;
}

/** What follows a call through its sessions. */
interface Course {
  readonly tie: Tie | undefined;
  /** In how many sessions that were lost it was sent. */
  readonly sendings: number;
  /** The last process in which it may have run: only an idempotent call goes on then. */
  readonly doubted: Incarnation | undefined;
}

/** Of most calls, which see one session and that nobody can abort. */
const PLAIN: Course = { tie: undefined, sendings: 0, doubted: undefined };

/**
 * One call at its client, from the moment it is made until it is settled and the peer needs no more
 * word of it. It lives in one session; a call that may be made again goes on as `again()`.
 *
 * There are many of them while they wait for replies: what it says goes once it is encoded, and
 * what few calls have is in objects of its own.
 */
export class Call implements Timed {
  readonly site: Site;
  readonly manner: Manner;
  /** What it says; undefined once that is encoded and nobody reads it any more. */
  draft: Draft | undefined;
  /** Bytes of its payload. */
  readonly length: number;
  /**
   * The last that the peer is told: the REQUEST or SEND, encoded when the session admits the call,
   * or the CANCEL that takes it back, under the same seq and ack.
   */
  message: Outgoing | undefined;
  /** Where it stands in its channel, once admitted; undefined: unordered. */
  place: Place | undefined;
  settlement: Settlement | undefined;
  /** What goes besides request and reply: long values, streams. */
  flow: Flow | undefined;
  /** How it will be settled when so many pieces have come. */
  ending: { readonly settlement: Settlement; readonly pieces: number } | undefined;
  holder: Holder | undefined;
  readonly #taker: Taker;
  #course = PLAIN;
  /** When it is looked at: to be refused if it was not sent by then, or because it expires. */
  deadline: number;

  earlier: Expiring | undefined = undefined;
  later: Expiring | undefined = undefined;
  slot = -1;

  constructor(site: Site, manner: Manner, draft: Draft, taker: Taker) {
    this.site = site;
    this.manner = manner;
    this.draft = draft;
    this.length = draft.bytes.length;
    this.deadline = draft.expires;
    this.#taker = taker;
  }

  /** Given when the session admits it; below 0 before. */
  get seq(): number {
    return this.message?.seq ?? -1;
  }

  /** When it expires, whenever it is looked at. */
  get expires(): number {
    return this.draft?.expires ?? this.deadline;
  }

  expire(): void {
    this.holder?.handleExpired(this);
  }

  abort(): void {
    this.holder?.handleAborted(this);
  }

  /** True once the peer has the request, or word that it was taken back. */
  get delivered(): boolean {
    return this.message?.done === true;
  }

  /** What is known if nothing more is ever heard. */
  get outcome(): Outcome {
    if (this.settlement?.ok === false) return this.settlement.outcome;
    if (this.ending !== undefined) return 'executed';
    return this.message?.transmitted === true ? 'unknown' : 'not-sent';
  }

  /** In how many sessions it was sent. */
  get sendings(): number {
    return this.#course.sendings + (this.message?.transmitted === true ? 1 : 0);
  }

  /** True if more than one value goes either way. */
  get streaming(): boolean {
    return this.manner.streams || this.manner.takesStream;
  }

  /** True if its caller no longer wants it: it does not go on in another session. */
  get aborted(): boolean {
    return this.#course.tie?.aborted === true;
  }

  /** The same call for another session. */
  again(): Call {
    const { draft, message, settlement } = this;
    const left = draft ?? Draft.read(message!, this.length, this.place?.channel);
    left.expires = this.expires;
    left.sendBy = this.expires; // it has waited for the peer to come back, not for its turn
    const call = new Call(this.site, this.manner, left, this.#taker);
    const outcome = settlement?.ok === false ? settlement.outcome : undefined;
    const mayHaveRun = outcome === 'unknown' || outcome === 'executed';
    const doubted = mayHaveRun ? this.holder?.incarnation : this.#course.doubted;
    const { tie } = this.#course;
    call.#course = { tie, sendings: this.sendings, doubted };
    if (tie !== undefined) tie.call = call;
    return call;
  }

  /** True if it may have run in this very process: there it is not repeated, idempotent or not. */
  mayHaveRunIn(incarnation: Incarnation): boolean {
    const { doubted } = this.#course;
    return doubted !== undefined && sameIncarnation(doubted, incarnation);
  }

  /** It is encoded, or will not be sent any more: lets go of what it says. */
  letGo(): void {
    this.draft = undefined;
  }

  /** Makes the call independent of its caller's bytes: it is not encoded before this turn ends. */
  own(copies: Copies): void {
    this.draft?.own(copies);
  }

  tie(tie: Tie): void {
    this.#course = { ...PLAIN, tie };
  }

  resolve(value: unknown): void {
    this.#course.tie?.done();
    this.#taker(value);
  }

  reject(error: unknown): void {
    const { tie, doubted } = this.#course;
    tie?.done();
    this.#taker(new Rejection(doubted === undefined ? error : inDoubt(error)));
  }
}

/** What the last session says of a call does not hold for those before it. */
function inDoubt(error: unknown): unknown {
  if (!(error instanceof ConnectorError)) return error;
  if (error.outcome !== 'not-sent' && error.outcome !== 'not-executed') return error;
  const message = error.message.slice(error.code.length + 2);
  return new ConnectorError(error.code, message, { outcome: 'unknown', cause: error });
}
