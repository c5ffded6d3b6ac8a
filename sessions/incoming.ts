import type { Flow } from './flow.ts';
import { readPayload } from './payload.ts';
import type { Timed } from './resources.ts';
import type { Session } from './session.ts';
import { ownMemory } from '../core/copies.ts';
import type { Outgoing } from '../reliability/outgoing.ts';
import type { Keepable } from '../reliability/replies.ts';
import type { Expiring } from '../reliability/wheel.ts';
import * as frame from '../transport/wire/frame.ts';

const EMPTY = new Uint8Array(0);
const UNREAD = Symbol('unread');

/** What is true or false of a request: bits of one number, with those of frame.ts. */
const ONE_WAY = 0x100;
const WHOLE = 0x200;
const DUE = 0x400;
const ACCEPTED = 0x800;
const CANCELLED = 0x1000;
const ANSWERED = 0x2000;
/** What makes a request more than `plain`; of these it has WHOLE alone. */
const KINDS = ONE_WAY | WHOLE | frame.REQUEST_STREAMS | frame.REQUEST_TAKES_STREAM;

/** Holds what a request said. */
export interface IncomingParts {
  readonly seq: number;
  readonly ack: number;
  /** It is a message without a reply: the caller waits until it is accepted, no longer. */
  readonly oneWay: boolean;
  readonly method: string;
  /** How the payload is written, and the three bits of frame.ts that belong to the request. */
  readonly format: number;
  readonly payload: Uint8Array;
  /** When the caller stops waiting, in our clock time; Infinity: never. */
  readonly deadline: number;
  readonly channel: number;
}

/** What a request tells its responder of. */
export interface IncomingHooks {
  /** Somebody asked for the signal: from now on its deadline matters while it runs. */
  readonly watched: (incoming: Incoming) => void;
  /** Its deadline has come while it waited. */
  readonly expired: (incoming: Incoming) => void;
  /** Its reply has to give way to others. */
  readonly evicted: (incoming: Incoming) => void;
}

/** One request at its server, from its first arrival until the caller has its reply. */
export class Incoming implements Timed, Keepable {
  /** As signed numbers: V8 makes an object of each from 2^31 on. */
  readonly #seq: number;
  readonly #ack: number;
  readonly method: string;
  #bits: number;
  format: number;
  payload: Uint8Array;
  deadline: number;
  readonly channel: number;
  state: 'waiting' | 'running' | 'finished' = 'waiting';
  reply: Outgoing | undefined;
  /** What goes besides request and reply: long values, streams. */
  flow: Flow | undefined;
  /** The payload as a value, from when it is read until the handler has it. */
  #input: unknown = UNREAD;
  /** Where its reply goes, and since when it waits for its handler; from when it does. */
  session: Session | undefined;
  since: number = -Infinity;
  /** The bytes of the payload that count against the bounds. */
  counted = 0;
  #controller: AbortController | undefined;
  readonly #hooks: IncomingHooks;

  keeping: Keepable['keeping'] = 'no';
  charge = 0;

  earlier: Expiring | undefined = undefined;
  later: Expiring | undefined = undefined;
  slot = -1;

  constructor(parts: IncomingParts, hooks: IncomingHooks) {
    this.#seq = parts.seq | 0;
    this.#ack = parts.ack | 0;
    this.method = parts.method;
    this.format = parts.format & frame.FORMAT_MASK;
    const whole = (parts.format & frame.REQUEST_IN_PIECES) === 0;
    this.#bits =
      (parts.format & ~frame.FORMAT_MASK) | (parts.oneWay ? ONE_WAY : 0) | (whole ? WHOLE : 0);
    this.payload = parts.payload;
    this.deadline = parts.deadline;
    this.channel = parts.channel;
    this.#hooks = hooks;
  }

  get seq(): number {
    return this.#seq >>> 0;
  }

  get ack(): number {
    return this.#ack >>> 0;
  }

  /**
   * Aborts when the caller takes the call back, when its deadline comes, or when its session ends.
   * Made on first use: an AbortController costs up to 10 us (native-io.md §3), more than the call.
   */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.cancelled) this.#controller.abort();
      else this.#hooks.watched(this);
    }
    return this.#controller.signal;
  }

  /** It is a message without a reply: the caller waits until it is accepted, no longer. */
  get oneWay(): boolean {
    return this.#is(ONE_WAY);
  }

  /** False while pieces of the payload are to come. */
  get whole(): boolean {
    return this.#is(WHOLE);
  }

  set whole(is: boolean) {
    this.#note(WHOLE, is);
  }

  /** Its turn has come, but it was not whole. */
  get due(): boolean {
    return this.#is(DUE);
  }

  set due(is: boolean) {
    this.#note(DUE, is);
  }

  /** One-way: the caller knows that it is here. It runs now, whatever becomes of its session. */
  get accepted(): boolean {
    return this.#is(ACCEPTED);
  }

  /** The caller took it back, or its session is over: no reply is wanted. */
  get cancelled(): boolean {
    return this.#is(CANCELLED);
  }

  set cancelled(is: boolean) {
    this.#note(CANCELLED, is);
  }

  /** It was refused while it waited; its place in its channel is still to come. */
  get answered(): boolean {
    return this.#is(ANSWERED);
  }

  set answered(is: boolean) {
    this.#note(ANSWERED, is);
  }

  /** The caller sends further values. */
  get streams(): boolean {
    return this.#is(frame.REQUEST_STREAMS);
  }

  /** The caller takes any number of values. */
  get takesStream(): boolean {
    return this.#is(frame.REQUEST_TAKES_STREAM);
  }

  /** True for a request that is all there is, and is answered when it has run. */
  get plain(): boolean {
    return (this.#bits & KINDS) === WHOLE;
  }

  /** One-way: from now on it runs whenever its turn comes. */
  accept(): void {
    this.#note(ACCEPTED, true);
    this.deadline = Infinity;
  }

  /** Reads the payload, once; `UNREADABLE` if it cannot be. */
  read(): unknown {
    if (this.#input === UNREAD) this.#input = readPayload(this.format, this.payload);
    return this.#input;
  }

  /** It waits for long: it lets go of memory that it shares with others (core/copies.ts). */
  own(): void {
    const own = ownMemory(this.payload);
    if (own === this.payload) return;
    this.payload = own;
    this.#input = UNREAD;
  }

  /** It waits for its handler from now on. */
  standBy(session: Session, now: number): void {
    this.session = session;
    this.since = now;
  }

  /** The handler has the value, or will not get it. */
  letGo(): void {
    this.payload = EMPTY;
    this.#input = UNREAD;
  }

  /** Tells the handler, if it listens. */
  abort(): void {
    this.#controller?.abort();
  }

  age(): void {
    this.reply?.own();
  }

  evict(): void {
    this.#hooks.evicted(this);
  }

  expire(): void {
    if (this.state === 'waiting') this.#hooks.expired(this);
    else this.abort();
  }

  #is(bit: number): boolean {
    return (this.#bits & bit) !== 0;
  }

  #note(bit: number, is: boolean): void {
    this.#bits = is ? this.#bits | bit : this.#bits & ~bit;
  }
}
