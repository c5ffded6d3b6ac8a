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

/** What turns are given to. */
type Startable = Pick<Backlog, 'listed' | 'length' | 'startNext' | 'rest'>;

/** Whose handlers start next, and for how long. A part of the driver. */
export class Turns {
  readonly #clock: Clock;
  /** How many start before what was replied is sent. */
  readonly #share: number;
  /** Services with requests to start, in the order of their turns. */
  readonly #waiting = new Denque<Startable>();
  /** What is left of the slice. A turn may lead to the next without a look at the transport. */
  #sliceMs = SLICE_MS;
  #left: number;

  /** Over a transport that loses datagrams (`lossless` is false) fewer of them are worth more. */
  constructor(clock: Clock, lossless: boolean) {
    this.#clock = clock;
    this.#share = lossless ? SHARE : Infinity;
    this.#left = this.#share;
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
  }

  /** What was replied is sent. */
  handleSent(): void {
    const waiting = this.#waiting.peekFront()?.length ?? 0;
    this.#left = Math.max(this.#share, Math.floor(waiting * SHARE_OF_MANY));
  }

  /** Starts what may start, for a while; gives the time after that. */
  run(now: number): number {
    let time = now;
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
      if (!this.#mayStart()) this.add(backlog); // it goes on after the others
    }
    return time;
  }

  #first(): Startable | undefined {
    return this.#mayStart() ? this.#waiting.peekFront() : undefined;
  }

  #mayStart(): boolean {
    return this.#sliceMs > 0 && this.#left > 0;
  }
}
