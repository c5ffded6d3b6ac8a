import type { Random } from '../../core/random.ts';
import type { Request } from './liveness.ts';
import type { Entry } from './table.ts';
import { ASK } from './wire.ts';

/** Rounds and looks take at most a fifth of the time, and keep at least this distance. */
const PAUSE_FACTOR = 4;
const PAUSE_MIN_MS = 50;
/** How long `settle` tries to find a moment in which nothing is lost. */
export const SETTLE_MS = 5000;

/**
 * - `idle`: nothing to be found out, or not yet.
 * - `fencing`: all CPUs are asked. When the answers are here, so is all that was before them.
 * - `looking`: at /proc, meanwhile the processes of which reports come are noted.
 * - `checking`: all CPUs are asked again, so that what came about during the look has come too.
 */
type State = 'idle' | 'fencing' | 'looking' | 'checking';

/** What a step of the recovery came to. */
export type Step =
  | { readonly kind: 'wait' }
  /** All CPUs were heard, and nothing was dropped since the first was asked. */
  | { readonly kind: 'settled' }
  /** The look is to be compared with the picture. */
  | { readonly kind: 'compare'; readonly entries: readonly Entry[]; readonly settled: boolean };

const WAIT: Step = { kind: 'wait' };

/** Tells `Recovery` what there is to mend. */
export interface RecoveryOptions {
  /** Whether there is a picture to be mended, or losses are counted only. */
  readonly picture: boolean;
  readonly cpus: readonly number[];
  readonly random: Random;
}

/**
 * Finds out what became of the processes after a loss. A look at /proc must not be taken for newer
 * or older than the reports around it: it begins when all reports from before have been read, and
 * counts when all from before its end have. "Have been read" is known by a *round*: a question sent
 * from each CPU, of which the answers queue up behind all that was reported before. Sans-IO.
 */
export class Recovery {
  /** Looks taken, the first included. */
  looks = 0;
  readonly touched: Set<number> = new Set();
  readonly #options: RecoveryOptions;
  /** Where a filter hides the answers, nobody is asked: then drops are all that can be counted. */
  #answered = true;
  #state: State = 'idle';
  #dirty: boolean;
  #requests: Request[] = [];
  readonly #unanswered = new Set<number>();
  #sending = false;
  #dropsBefore = 0;
  #entries: readonly Entry[] = [];
  #began = 0;
  #notBefore = 0;
  /** Until when a settled round is wanted. */
  #settleUntil = -Infinity;
  #wantsRound = false;
  #quiet = false;

  constructor(options: RecoveryOptions) {
    this.#options = options;
    this.#dirty = options.picture;
  }

  /** Something was lost that is not mended yet. */
  get dirty(): boolean {
    return this.#dirty || this.#state !== 'idle';
  }

  /** The look is wanted now; to be answered by `handleLook`. */
  get wantsLook(): boolean {
    return this.#state === 'looking';
  }

  /** All was sent: when what waits has been read, `handleTurn` is to be called. */
  get wantsTurn(): boolean {
    return this.#sending && this.#requests.length === 0;
  }

  get settling(): boolean {
    return this.#settleUntil !== -Infinity;
  }

  /** Everything is known, as of the last round. */
  get settled(): boolean {
    return this.#quiet && !this.dirty;
  }

  /** When `handleTimeout` wants to be called. */
  get timeout(): number {
    const wanted = this.#dirty || this.#wantsRound || this.settling;
    return this.#state === 'idle' && !this.#sending && wanted ? this.#notBefore : Infinity;
  }

  /** `answered`: questions get answers. Where there is a picture they do. */
  begin(answered: boolean): void {
    this.#answered = answered;
  }

  /** Reports were lost. */
  handleLoss(): void {
    if (this.#options.picture) this.#dirty = true;
  }

  /** The numbers say more than the drop counter: a round is to tell which is right. */
  wantRound(): void {
    this.#wantsRound = true;
  }

  /** A report about who lives has come. */
  touch(pid: number): void {
    if (this.#state === 'looking' || this.#state === 'checking') this.touched.add(pid);
  }

  /** Seeks a settled moment, for `SETTLE_MS` at most. */
  settle(now: number): void {
    this.#settleUntil = now + SETTLE_MS;
    this.#notBefore = Math.min(this.#notBefore, now);
  }

  peekRequest(): Request | undefined {
    return this.#requests[0];
  }

  sent(): void {
    this.#requests.shift();
  }

  handleAnswer(ack: number): void {
    this.#unanswered.delete((ack - 1) >>> 0);
  }

  /** Starts what is due. `drops` is the kernel's counter now. */
  handleTimeout(now: number, drops: number): void {
    if (now < this.timeout) return;
    this.#round(drops);
    this.#state = this.#dirty ? 'fencing' : 'idle';
    this.#began = now;
  }

  /** What came before the round has been read. */
  handleTurn(now: number, drops: number): Step {
    if (!this.wantsTurn) return WAIT;
    this.#sending = false;
    const quiet = this.#unanswered.size === 0 && drops === this.#dropsBefore;
    this.#unanswered.clear();
    switch (this.#state) {
      case 'fencing':
        // Whatever was lost until now, the look will show what came of it.
        this.#dirty = false;
        this.touched.clear();
        this.#state = 'looking';
        return quiet ? { kind: 'settled' } : WAIT;
      case 'checking':
        this.#end(quiet, now);
        return { kind: 'compare', entries: this.#entries, settled: quiet };
      default:
        this.#end(quiet, now);
        return quiet ? { kind: 'settled' } : WAIT;
    }
  }

  /** Takes what the look showed. */
  handleLook(entries: readonly Entry[], drops: number): void {
    this.looks += 1;
    this.#entries = entries;
    this.#round(drops);
    this.#state = 'checking';
  }

  #end(quiet: boolean, now: number): void {
    this.#state = 'idle';
    this.#quiet = quiet;
    // Without a moment in which nothing is lost the counts cannot be compared: seek one.
    this.#wantsRound = !quiet;
    if ((quiet && !this.#dirty) || now >= this.#settleUntil) this.#settleUntil = -Infinity;
    const pause = this.settling ? 0 : PAUSE_FACTOR * (now - this.#began);
    this.#notBefore = now + Math.max(PAUSE_MIN_MS, pause);
  }

  #round(drops: number): void {
    this.#sending = true;
    this.#dropsBefore = drops;
    const { cpus, random } = this.#options;
    const asked = this.#answered ? cpus : [];
    this.#requests = asked.map((cpu) => {
      return { operation: ASK, mask: undefined, ack: random.u32(), cpu, aside: false };
    });
    for (const { ack } of this.#requests) this.#unanswered.add(ack);
  }
}
