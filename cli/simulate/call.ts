import { STAMP_LENGTH, stamped, type Way } from './stamp.ts';
import type { ErrorCode, Outcome } from '../../core/errors.ts';
import type { Peer } from '../../transport/transport.ts';

/** Calls without a payload are told apart by their methods; there are so many of those. */
export const EMPTY_METHODS = 64;
const ITEM_MAX = 3000;

/** What the handler of a call does. */
export type Behaviour = 'quick' | 'slow' | 'stalled' | 'throwing' | 'callBack' | 'noMethod';

/** How a call's input and reply are written; `empty` is named by its method instead. */
export type Form = 'bytes' | 'json' | 'empty';

/** How it is made: with one reply, without one, or with further values either way. */
export type Manner = 'call' | 'oneWay' | 'stream';

/** Further values of a stream: from its caller, and to it. */
export interface Items {
  readonly up: number;
  readonly down: number;
}

export const NO_ITEMS: Items = { up: 0, down: 0 };

/** What is drawn for one call. */
export interface CallPlan {
  readonly manner: Manner;
  readonly items: Items;
  readonly behaviour: Behaviour;
  readonly form: Form;
  readonly length: number;
  readonly replyLength: number;
  /** How long a slow handler works. */
  readonly workMs: number;
  readonly channel: string | undefined;
  readonly idempotent: boolean;
  readonly timeoutMs: number;
}

/** Over what a call is made: one connection of one client incarnation, or a session called back. */
export interface Route {
  /** Whom it leads to; undefined: back to a client. */
  readonly server: Peer | undefined;
  /** Unlike that of all other routes. */
  readonly name: string;
  /** The incarnation that calls, as `A.2`. */
  readonly from: string;
  /** Whether this route has surely had one session only. */
  readonly steady: () => boolean;
}

/** One run of a handler. Ticks order all that the ledger saw. */
export interface Execution {
  readonly call: CallRecord;
  /** The incarnation that ran it. */
  readonly server: string;
  readonly begun: number;
  ended: number;
}

/** How a call ended for its caller. */
export interface Settlement {
  readonly atMs: number;
  readonly code: ErrorCode | 'ok';
  readonly outcome: Outcome | 'ok';
}

/** One call in the ledger: what was asked, what ran, what its caller was told. */
export class CallRecord {
  readonly id: number;
  readonly plan: CallPlan;
  readonly route: Route;
  readonly deadlineMs: number;
  readonly executions: Execution[] = [];
  settlement: Settlement | undefined;
  /** How long the taker of its stream let what had come wait. */
  restedMs = 0;

  constructor(id: number, plan: CallPlan, route: Route, nowMs: number) {
    this.id = id;
    this.plan = plan;
    this.route = route;
    this.deadlineMs = nowMs + plan.timeoutMs;
  }

  /** The method to call. */
  get method(): string {
    const { behaviour, form } = this.plan;
    if (behaviour === 'noMethod') return 'nothing of that name';
    if (this.plan.manner === 'stream') return 'stream';
    if (form === 'empty') return emptyMethod(this.id);
    return behaviour === 'quick' || (behaviour === 'throwing' && this.id % 2 === 0)
      ? 'quick'
      : 'work';
  }

  input(): unknown {
    const { form, length } = this.plan;
    if (form === 'empty') return this.id % 2 === 0 ? undefined : new Uint8Array(0);
    if (form === 'json') return { id: this.id, pad: 'é'.repeat(length % 100) };
    return stamped(this.id, 'request', Math.max(STAMP_LENGTH, length));
  }

  /** What the handler gives back, or throws. */
  reply(): unknown {
    const { behaviour, form, replyLength } = this.plan;
    if (behaviour === 'throwing') throw new Error(this.complaint);
    if (form === 'json') return { reply: this.id };
    if (replyLength < STAMP_LENGTH) return undefined;
    return stamped(this.id, 'reply', replyLength);
  }

  /** The further value at a place of a stream. */
  item(way: Way, at: number): Uint8Array {
    return stamped(this.id, way, STAMP_LENGTH + at + ((at * 7919 + this.id) % ITEM_MAX));
  }

  /** True if this is the value at that place, to the byte. */
  isItem(way: Way, at: number, value: unknown): boolean {
    return value instanceof Uint8Array && Buffer.compare(value, this.item(way, at)) === 0;
  }

  /** What a throwing handler says. */
  get complaint(): string {
    return `thrown for #${this.id}`;
  }

  toString(): string {
    return `call #${this.id} (${this.route.name}${this.plan.idempotent ? ', idempotent' : ''})`;
  }
}

/** The method of a call without a payload. */
export function emptyMethod(id: number): string {
  return `empty ${id % EMPTY_METHODS}`;
}
