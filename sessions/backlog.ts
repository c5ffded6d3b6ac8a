import Denque from 'denque';
import type { Incoming } from './incoming.ts';
import type { Resources, Timed } from './resources.ts';
import type { Session } from './session.ts';
import type { Expiring } from '../reliability/wheel.ts';
import * as frame from '../transport/wire/frame.ts';

/** How much of a call's time it may spend waiting: what is left is for the work and the reply. */
const WAIT_SHARE = 1 / 2;

/** Of the requests whose turn came, over about so many, … */
const RECENT = 32;
/** … a larger share than this was refused: more is offered than can be done, and not by chance. */
const REFUSED_MAX = 1 / 4;
/** Then none waits longer than so many starts take, or this many ms if that is more. */
const STRICT_STARTS = 4;
const STRICT_MIN_MS = 10;

/** Ties a backlog to its service. */
export interface BacklogOptions {
  /** Handlers that run at the same time. */
  readonly concurrency: number;
  /** How long a request waits for its turn at most, ms. */
  readonly waitMs: number;
  /** Starts a handler; `finished` is to be called when it has ended. */
  readonly start: (session: Session, request: Incoming) => void;
}

/**
 * The requests of one service that wait for their turn, first come, first served. What has waited
 * too long is refused as busy instead of started (semantics 18): a server that is offered more than
 * it can do would else work only on what nobody waits for any more. Too long is `waitMs`, or half
 * of the time that the caller gave, if that is less.
 *
 * While many have to be refused, a long queue gives nothing but delay, to who comes afterwards as
 * well: then too long is what a few starts take, which is enough for the next one to be there when
 * a handler ends. A queue that only stands, before clients that wait for replies, is left alone.
 *
 * Sans-IO; the driver runs it.
 */
export class Backlog implements Timed {
  readonly #resources: Resources;
  readonly #options: BacklogOptions;
  readonly #queue = new Denque<Incoming>();
  /** How many of the first have their payload in memory of their own. */
  #own = 0;
  #running = 0;
  /** The share that was refused, lately. */
  #refused = 0;
  /** When the last one started, how long it takes from one to the next while some wait, ms. */
  #startedAt = 0;
  #paceMs = 0;
  #stood = false;
  /** The last time that was heard of. */
  #now = 0;

  /** Kept by the driver: it is among those whose turn comes. */
  listed = false;
  /** When the first of the queue has waited too long. */
  deadline: number = Infinity;
  earlier: Expiring | undefined = undefined;
  later: Expiring | undefined = undefined;
  slot = -1;

  constructor(resources: Resources, options: BacklogOptions) {
    this.#resources = resources;
    this.#options = options;
  }

  /** How many wait. */
  get length(): number {
    return this.#queue.length;
  }

  /** True if the first has waited too long: what need not be accepted should not be. */
  get late(): boolean {
    const first = this.#queue.peekFront();
    return first !== undefined && this.#startsBy(first) < this.#now;
  }

  /** Adds a request that came, or whose turn in its channel came, now. */
  push(session: Session, request: Incoming, now: number): void {
    this.#now = now;
    request.standBy(session, now);
    this.#queue.push(request);
    this.#resources.runnable(this);
  }

  /** Starts the next request; false if none waits that may start now. */
  startNext(now: number): boolean {
    this.#now = now;
    this.#shed(now);
    if (this.#running >= this.#options.concurrency) return false;
    const next = this.#shift();
    if (next === undefined) return false;
    this.#note(now);
    this.#running += 1;
    this.#options.start(next.session!, next);
    return true;
  }

  /**
   * No more start for now: sees to it that the first is looked at when it has waited too long.
   * Those that a handler has to end for may wait for long.
   */
  rest(): void {
    if (this.#running >= this.#options.concurrency) {
      for (; this.#own < this.#queue.length; this.#own++) {
        this.#queue.peekAt(this.#own)!.own();
      }
    }
    const first = this.#queue.peekFront();
    const { deadlines } = this.#resources;
    if (this.deadline !== Infinity) deadlines.remove(this);
    this.deadline = first === undefined ? Infinity : this.#startsBy(first);
    deadlines.add(this);
  }

  /** A handler has ended: the next one may start. */
  finished(): void {
    this.#running -= 1;
    if (this.#queue.length > 0) this.#resources.runnable(this);
  }

  /** Some have waited too long while no handler ended. */
  expire(): void {
    this.deadline = Infinity;
    this.#resources.runnable(this);
  }

  /** Refuses what stands first and is not to be started any more. */
  #shed(now: number): void {
    for (let first = this.#queue.peekFront(); first; first = this.#queue.peekFront()) {
      if (first.accepted) break; // its caller was told that it will run
      const late = first.deadline <= now;
      if (!late && !first.cancelled && this.#startsBy(first) > now) break;
      this.#shift();
      const busy = !late && !first.cancelled;
      if (busy) {
        this.#resources.counters.requestsShed += 1;
        this.#refused += (1 - this.#refused) / RECENT;
      }
      first.session!.responder.refuse(first, busy ? frame.STATUS_BUSY : frame.STATUS_EXPIRED);
    }
  }

  #shift(): Incoming | undefined {
    this.#own = Math.max(0, this.#own - 1);
    return this.#queue.shift();
  }

  /** One starts: how long that took, if it was waited for, and that it was not refused. */
  #note(now: number): void {
    if (this.#stood) this.#paceMs += (now - this.#startedAt - this.#paceMs) / RECENT;
    this.#startedAt = now;
    this.#stood = this.#queue.length > 0;
    this.#refused -= this.#refused / RECENT;
  }

  #startsBy({ deadline, since }: Incoming): number {
    const waitMs = Math.min(this.#options.waitMs, (deadline - since) * WAIT_SHARE);
    if (this.#refused <= REFUSED_MAX) return since + waitMs;
    return since + Math.min(waitMs, Math.max(STRICT_MIN_MS, STRICT_STARTS * this.#paceMs));
  }

}
