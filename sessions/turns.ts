import Denque from 'denque';
import type { Backlog } from './backlog.ts';
import type { Clock } from '../core/clock.ts';

/** Handlers run for so long, ms, before what they replied is sent and what has come is read. */
const SLICE_MS = 2;
/**
 * So many start before what was replied is sent, where datagrams cost nothing but time: callers
 * work on it while the next ones run. With all of a batch in one go two processes would take turns,
 * each waiting for the other.
 */
const SHARE = 16;
/** Or, where more wait, this part of those: a datagram costs as much as some ten calls. */
const SHARE_OF_MANY = 1 / 4;
/**
 * Where datagrams can be lost each costs more: a batch of at most twice so many is cut in two, so
 * that each side has something to do while the other works; a larger one gives both enough. There
 * are twice as many datagrams to lose one of: not while they get lost, or the transport refuses.
 */
const SHARE_AT_RISK = 32;
/** More than there ever are. Infinity is no small integer: counting it down makes objects. */
const ALL = 2 ** 30;
/** Losses and refusals are forgotten after so many turns of the driver. */
const LOSSES_REMEMBERED = 256;

/** What turns are given to. */
type Startable = Pick<Backlog, 'listed' | 'length' | 'startNext' | 'rest'>;

/** Whose handlers start next, and for how long. A part of the driver. */
export class Turns {
  readonly #clock: Clock;
  readonly #lossless: boolean;
  /** Services with requests to start, in the order of their turns. */
  readonly #waiting = new Denque<Startable>();
  /** What is left of the slice. A turn may lead to the next without a look at the transport. */
  #sliceMs = SLICE_MS;
  /** A share has begun: so many of it have still to start before what was replied is sent. */
  #begun = false;
  #left = 0;
  /** A part of what was read last was answered: the rest is the other part, also of channels. */
  #cut = false;
  /** Turns until losses are forgotten. */
  #cautious = 0;

  /** `lossless`: the transport loses nothing that it has taken. */
  constructor(clock: Clock, lossless: boolean) {
    this.#clock = clock;
    this.#lossless = lossless;
  }

  /** True if any request may start. */
  get waiting(): boolean {
    return this.#waiting.length > 0;
  }

  /** True if more may start as soon as what was replied is sent. */
  get goesOn(): boolean {
    return this.waiting && this.#sliceMs > 0;
  }

  /** Gives a service with requests to start its turn. */
  add(backlog: Startable): void {
    if (backlog.listed) return;
    backlog.listed = true;
    this.#waiting.push(backlog);
  }

  /** What has come was read. */
  handleRead(): void {
    this.#sliceMs = SLICE_MS;
    this.#cut = false;
  }

  /** What was replied is sent. */
  handleSent(): void {
    this.#begun = false;
    if (this.#cautious > 0) this.#cautious -= 1;
  }

  /** Some of what was to be sent was lost, or not taken. */
  handleLoss(): void {
    this.#cautious = LOSSES_REMEMBERED;
  }

  /** Starts what may start, for a while; gives the time after that. */
  run(now: number): number {
    let time = now;
    this.#begin();
    for (let backlog = this.#first(); backlog !== undefined; backlog = this.#first()) {
      while (this.#mayStart() && backlog.startNext(time)) {
        const after = this.#clock.now(); // handlers take time: what expired since does not start
        this.#sliceMs -= after - time;
        this.#left -= 1;
        time = after;
      }
      backlog.rest();
      this.#waiting.shift();
      backlog.listed = false;
      // It goes on after the others.
      if (!this.#mayStart() && backlog.length > 0) this.add(backlog);
    }
    return time;
  }

  /** How large the next share is depends on who waits when the first of it starts. */
  #begin(): void {
    const first = this.#waiting.peekFront();
    if (this.#begun || first === undefined) return;
    this.#begun = true;
    const { length } = first;
    if (this.#lossless) {
      this.#left = Math.max(SHARE, Math.floor(length * SHARE_OF_MANY));
    } else {
      const whole = this.#cut || this.#cautious > 0 || length > 2 * SHARE_AT_RISK;
      this.#left = whole ? ALL : SHARE_AT_RISK;
      this.#cut = true;
    }
  }

  #first(): Startable | undefined {
    return this.#mayStart() ? this.#waiting.peekFront() : undefined;
  }

  #mayStart(): boolean {
    return this.#sliceMs > 0 && this.#left > 0;
  }
}
