import type { Flow } from './flow.ts';
import type { Timed } from './resources.ts';
import type { Copies } from '../core/copies.ts';
import { ConnectorError, type ErrorCode, type Outcome } from '../core/errors.ts';
import type { Outgoing } from '../reliability/outgoing.ts';
import type { Expiring } from '../reliability/wheel.ts';
import { CN_MSG_HEADER } from '../transport/wire/cnmsg.ts';
import { REQUEST_HEADER } from '../transport/wire/frame.ts';
import { sameIncarnation, type Incarnation } from '../transport/wire/handshake.ts';

const EMPTY = new Uint8Array(0);

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

/** Holds what a call is made of. */
export interface CallOptions {
  /** REQUEST or, for a message without a reply, SEND. */
  readonly kind: number;
  /** The method's name, UTF-8. */
  readonly method: Uint8Array;
  readonly format: number;
  /** When it expires, in clock time; Infinity: never. */
  readonly deadline: number;
  /** When it is refused as busy if it has not been sent, in clock time. */
  readonly sendBy: number;
  /** The name of its FIFO channel; undefined: unordered. */
  readonly channel: string | undefined;
  /** True if it may be repeated even if it may have run. */
  readonly idempotent: boolean;
  /** True if the caller sends further values. */
  readonly streams: boolean;
  /** True if the caller takes any number of values before the reply. */
  readonly takesStream: boolean;
  /** Called once it has a flow, outside of any state machine; not for calls without streams. */
  readonly begun?: ((call: Call) => void) | undefined;
  /** The caller's promise. */
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
  /** Told once the call has its settlement, outside of any state machine. */
  readonly site: { settled(call: Call): void };
}

/** What follows a call through its sessions: its caller's signal. */
export interface Tie {
  readonly renewed: (call: Call) => void;
  readonly done: () => void;
}

/**
 * One call at its client, from the moment it is made until it is settled and the peer needs no more
 * word of it. It lives in one session; a call that may be made again goes on as `again()`.
 */
export class Call implements Timed {
  readonly options: CallOptions;
  /** What it carries; empty once that is encoded and nobody reads it any more. */
  payload: Uint8Array;
  /** How many bytes that were. */
  readonly length: number;
  /** Assigned when the session admits it. */
  seq = -1;
  request: Outgoing | undefined;
  /** Takes the request back, under its own seq and ack. */
  cancel: Outgoing | undefined;
  /** The number and position of its channel, once admitted; channel 0: unordered. */
  channel = 0;
  position = 0;
  settlement: Settlement | undefined;
  /** What goes besides request and reply: long values, streams. */
  flow: Flow | undefined;
  /** How it will be settled when so many pieces have come. */
  ending: { readonly settlement: Settlement; readonly pieces: number } | undefined;
  /** Its caller no longer wants it: it does not go on in another session. */
  aborted = false;
  /** What to do when the deadline comes, and when its caller aborts it: set by who has it. */
  onDeadline: (call: Call) => void = nothing;
  abort: () => void = nothing;
  #tie: Tie | undefined;
  #owned = false;
  /** An earlier session was lost in which it may have run: only an idempotent call gets here. */
  #mayHaveRun = false;
  /** In how many earlier sessions it was sent. */
  #repeats = 0;
  /** The process that has it, or had it, once it was handed to a session. */
  incarnation: Incarnation | undefined;
  /** The last one in which it may have run. */
  #doubted: Incarnation | undefined;
  /** When it is looked at: to be refused if it was not sent by then, or because it expires. */
  deadline: number;

  earlier: Expiring | undefined = undefined;
  later: Expiring | undefined = undefined;
  slot = -1;

  constructor(options: CallOptions, payload: Uint8Array) {
    this.options = options;
    this.payload = payload;
    this.length = payload.length;
    this.deadline = options.deadline;
  }

  expire(): void {
    this.onDeadline(this);
  }

  /** True once the peer has the request, or word that it was taken back. */
  get delivered(): boolean {
    if (this.cancel !== undefined) return this.cancel.done;
    return this.request !== undefined && this.request.done;
  }

  /** What is known if nothing more is ever heard. */
  get outcome(): Outcome {
    if (this.ending !== undefined) return 'executed';
    return this.request !== undefined && this.request.transmitted ? 'unknown' : 'not-sent';
  }

  /** In how many sessions it was sent. */
  get sendings(): number {
    return this.#repeats + (this.request?.transmitted === true ? 1 : 0);
  }

  get #unknown(): boolean {
    return this.settlement?.ok === false && this.settlement.outcome === 'unknown';
  }

  /** True if more than one value goes either way. */
  get streaming(): boolean {
    return this.options.streams || this.options.takesStream;
  }

  /** The same call for another session. */
  again(): Call {
    const at = CN_MSG_HEADER + REQUEST_HEADER + this.options.method.length;
    const encoded = this.payload.length < this.length;
    const kept = encoded ? this.request?.bytes.subarray(at, at + this.length) : undefined;
    // It has waited for the peer to come back, not for its turn.
    const call = new Call({ ...this.options, sendBy: this.options.deadline }, kept ?? this.payload);
    call.#tie = this.#tie;
    call.#owned = true;
    call.#mayHaveRun = this.#mayHaveRun || this.#unknown;
    call.#doubted = this.#unknown ? this.incarnation : this.#doubted;
    call.#repeats = this.sendings;
    this.#tie?.renewed(call);
    return call;
  }

  /** True if it may have run in this very process: there it is not repeated, idempotent or not. */
  mayHaveRunIn(incarnation: Incarnation): boolean {
    return this.#doubted !== undefined && sameIncarnation(this.#doubted, incarnation);
  }

  /** It is encoded, or will not be sent any more: lets go of its payload. */
  letGo(): void {
    this.payload = EMPTY;
  }

  /** Makes the call independent of its caller's bytes: it is not encoded before this turn ends. */
  own(copies: Copies): void {
    if (this.#owned) return;
    this.#owned = true;
    this.payload = copies.of(this.payload, 0, this.length);
  }

  /** True if anybody may have reason to abort it: its signal, its taker or its further values. */
  get abortable(): boolean {
    return this.#tie !== undefined || this.options.streams;
  }

  tie(tie: Tie): void {
    this.#tie = tie;
  }

  resolve(value: unknown): void {
    this.#tie?.done();
    this.options.resolve(value);
  }

  reject(error: unknown): void {
    this.#tie?.done();
    this.options.reject(this.#mayHaveRun ? doubted(error) : error);
  }
}

/** What the last session says of a call does not hold for those before it. */
function doubted(error: unknown): unknown {
  if (!(error instanceof ConnectorError)) return error;
  if (error.outcome !== 'not-sent' && error.outcome !== 'not-executed') return error;
  const message = error.message.slice(error.code.length + 2);
  return new ConnectorError(error.code, message, { outcome: 'unknown', cause: error });
}

function nothing(): void {}
