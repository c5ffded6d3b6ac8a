import type { Random } from '../../core/random.ts';
import { ALL_KINDS } from './kinds.ts';
import { ASK, LISTEN } from './wire.ts';

/** Something to be sent to cn_proc. */
export interface Request {
  readonly operation: number;
  /** The kinds to let through; undefined: the form without, which means all. */
  readonly mask: number | undefined;
  readonly ack: number;
  /** The CPU to send it from; undefined: any. */
  readonly cpu: number | undefined;
  /** Not by the socket that listens, but by one without filter that is a member for this only. */
  readonly aside: boolean;
}

/** Steps against a mute in a row, half of them LISTENs, before it pauses for a probe's time. */
export const UNMUTE_MAX = 8192;

/** An answer may take this part of the probe interval, though it is there when the send returns. */
const ANSWER_SHARE = 4;

const EPERM = 1;

/**
 * - `detecting`: asked in the form of Linux 6.6, which older kernels ignore.
 * - `opening`: asked in the old form, which all kernels take.
 * - `unmuting`: the kernel answers nobody; adds listens until it does.
 * - `listening`: on; asks from time to time whether that is still so.
 * - `refused`: cannot be had.
 */
type State = 'detecting' | 'opening' | 'unmuting' | 'listening' | 'refused';

/** Tells `Liveness` what to ask for. */
export interface LivenessOptions {
  readonly mask: number;
  /** A question each so many ms. */
  readonly probeMs: number;
  /** The CPUs that questions are sent from, in turn. */
  readonly cpus: readonly number[];
  readonly random: Random;
}

/**
 * Gets the kernel to report and sees to it that it goes on. The kernel makes reports while its
 * count of listeners, one for the whole machine, is above zero; any process can bring it down, and
 * no error, drop or gap shows it (KF §7.4). What shows it is that questions are not answered: the
 * answer is made inside the send (KF §2.3). The cure is to listen once more: a question in between
 * makes the kernel forget that this socket listens already, so each LISTEN adds one.
 *
 * A socket with a filter sees no answers at all (KF §7.3): then questions go by a second socket
 * aside. Sans-IO.
 */
export class Liveness {
  /** Times that the kernel was found muted. */
  mutes = 0;
  /** Whether the kernel does the filtering. */
  filtering = false;
  #state: State;
  #refusal: 'permission' | 'silence' = 'silence';
  readonly #options: LivenessOptions;
  readonly #requests: Request[] = [];
  /** The question that is out; its answer carries ack + 1. */
  #asked: number | undefined;
  #deadline = Infinity;
  #nextProbe = Infinity;
  #doubtful = false;
  #steps = 0;
  #pausedUntil = -Infinity;
  #cpu = 0;

  constructor(options: LivenessOptions) {
    this.#options = options;
    const filtered = options.mask !== ALL_KINDS;
    this.#state = filtered ? 'detecting' : 'opening';
    this.#listen(filtered ? ALL_KINDS : undefined);
  }

  get state(): State {
    return this.#state;
  }

  /** Why it is `refused`. */
  get refusal(): 'permission' | 'silence' {
    return this.#refusal;
  }

  /** The next request to be sent; report it to `sent`. */
  peekRequest(): Request | undefined {
    return this.#requests[0];
  }

  sent(now: number): void {
    const request = this.#requests.shift();
    // While unmuting the answer is there after a turn or not at all.
    if (request?.ack !== this.#asked || this.#state === 'unmuting') return;
    this.#deadline = now + this.#options.probeMs / ANSWER_SHARE;
  }

  /** Takes an answer; gives whether the kernel is known to report again after a mute. */
  handleAnswer(ack: number, errno: number, now: number): boolean {
    if (this.#asked === undefined || ack !== (this.#asked + 1) >>> 0) return false;
    this.#asked = undefined;
    this.#deadline = Infinity;
    if (errno === EPERM) {
      this.#refuse('permission');
      return false;
    }
    const muted = this.#state === 'unmuting' && this.mutes > 0;
    if (this.#state === 'detecting') this.#filter();
    const detect = this.#state === 'unmuting' && this.mutes === 0 && this.#filtered;
    if (detect) {
      this.#state = 'detecting';
      this.#listen(ALL_KINDS);
    } else {
      this.#state = 'listening';
      this.#nextProbe = now + this.#options.probeMs;
    }
    return muted;
  }

  /** Reports have been dropped: if an answer is missing, that says nothing. */
  handleLoss(): void {
    this.#doubtful = true;
  }

  /**
   * All that was sent has been answered if it will be. While unmuting, the next step: a question,
   * because others may have mended it, and a LISTEN if it is not answered either.
   */
  handleTurn(now: number): void {
    if (!this.wantsTurn(now) || this.#requests.length > 0) return;
    this.#pausedUntil = -Infinity;
    if (this.#steps < UNMUTE_MAX) {
      const operation = this.#doubtful || this.#steps % 2 === 0 ? ASK : LISTEN;
      this.#steps += 1;
      this.#ask({ operation, mask: undefined, cpu: undefined, aside: this.filtering });
    } else if (this.mutes === 0) {
      this.#refuse('silence');
    } else {
      this.#unmute();
      this.#pausedUntil = now + this.#options.probeMs;
    }
  }

  /** Whether `handleTurn` has something to do. */
  wantsTurn(now: number): boolean {
    return this.#state === 'unmuting' && this.#pausedUntil <= now;
  }

  /** When `handleTimeout` or `handleTurn` want to be called. */
  get timeout(): number {
    if (this.#state === 'unmuting') return this.#paused ? this.#pausedUntil : Infinity;
    return Math.min(this.#deadline, this.#asked === undefined ? this.#nextProbe : Infinity);
  }

  get #paused(): boolean {
    return this.#pausedUntil !== -Infinity;
  }

  /** Gives whether the kernel was just found muted. */
  handleTimeout(now: number): boolean {
    if (now >= this.#deadline) return this.#silent(now);
    if (this.#state === 'listening' && now >= this.#nextProbe && this.#asked === undefined) {
      this.#probe(now);
    }
    return false;
  }

  get #filtered(): boolean {
    return this.#options.mask !== ALL_KINDS;
  }

  #probe(now: number): void {
    const { cpus, probeMs } = this.#options;
    this.#nextProbe = now + probeMs;
    const aside = this.filtering;
    const cpu = aside ? undefined : cpus[this.#cpu++ % cpus.length];
    this.#ask({ operation: ASK, mask: undefined, cpu, aside });
  }

  /** The answer did not come in time. */
  #silent(now: number): boolean {
    this.#asked = undefined;
    this.#deadline = Infinity;
    // It may have been dropped: then the same again, but no LISTEN that would be counted twice.
    const again = this.#doubtful;
    switch (this.#state) {
      case 'detecting':
        if (!again) this.#state = 'opening';
        this.#listen(again ? ALL_KINDS : undefined);
        return false;
      case 'opening':
        if (again) this.#ask({ operation: ASK, mask: undefined, cpu: undefined, aside: false });
        else this.#unmute();
        return false;
      case 'listening':
        if (again) {
          this.#probe(now);
          return false;
        }
        this.mutes += 1;
        this.#unmute();
        return true;
      default:
        return false;
    }
  }

  #unmute(): void {
    this.#state = 'unmuting';
    this.#steps = 0;
    this.#pausedUntil = -Infinity;
  }

  /** The kernel knows filters, and has been told to let all through. */
  #filter(): void {
    const { mask } = this.#options;
    this.filtering = true;
    const ack = this.#options.random.u32();
    this.#requests.push({ operation: LISTEN, mask, cpu: undefined, aside: false, ack });
  }

  #listen(mask: number | undefined): void {
    this.#ask({ operation: LISTEN, mask, cpu: undefined, aside: false });
  }

  /** Queues a request of which the answer is awaited. */
  #ask(request: Omit<Request, 'ack'>): void {
    this.#doubtful = false;
    this.#asked = this.#options.random.u32();
    this.#requests.push({ ...request, ack: this.#asked });
  }

  #refuse(why: 'permission' | 'silence'): void {
    this.#state = 'refused';
    this.#refusal = why;
    this.#requests.length = 0;
  }
}
