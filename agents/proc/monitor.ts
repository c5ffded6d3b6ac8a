import type { Random } from '../../core/random.ts';
import type { Slab } from '../../core/slab.ts';
import type { KernelEvent, LossCause, ProcEvent } from './event.ts';
import { select, type ProcKind, type Selection } from './kinds.ts';
import { Ledger } from './ledger.ts';
import { Liveness, type Request } from './liveness.ts';
import { Outbox } from './outbox.ts';
import { reconcile, recoveredExit } from './reconcile.ts';
import { Recovery } from './recovery.ts';
import { sameFork, Table, type Entry, type Process } from './table.ts';
import { NO_CPU, readReport } from './wire.ts';

/** Counts what a watch has seen and lost so far. */
export interface ProcStats {
  /** Events read from the kernel. */
  readonly events: number;
  /** Events lost because the receive queue was full, by the kernel's own counter. */
  readonly lostQueue: number;
  /** Events lost because the kernel had no memory. Not known where the kernel filters. */
  readonly lostMemory: number;
  /** Events that did not fit the queue to the consumer. */
  readonly lostConsumer: number;
  /**
   * All events missing in the kernel's per-CPU numbers, when last compared: the first two of the
   * above, counted in another way. Undefined where the kernel filters, and before it is known.
   */
  readonly missing: number | undefined;
  /** Times that somebody had turned the reports off for the whole machine. */
  readonly mutes: number;
  /** Events made up for lost ones. */
  readonly recovered: number;
  /** Looks at the whole of /proc, the first included. */
  readonly looks: number;
  /** Datagrams from the kernel that are no reports of processes that this version knows. */
  readonly unknown: number;
}

/** Tells `Monitor` what to watch, and from where to ask. */
export interface MonitorOptions {
  readonly kinds: readonly ProcKind[] | undefined;
  readonly repair: boolean;
  readonly probeMs: number;
  readonly queueMax: number;
  readonly cpus: readonly number[];
  readonly random: Random;
}

/**
 * The heart of a watch, sans-IO: reports and looks at /proc go in, events for the consumer and
 * requests to the kernel come out. Times are those of the kernel's stamps.
 *
 * The driver sends what `peekRequest` gives, calls `handleTurn` when `wantsTurn` and all that
 * waited then has been read, takes a look when `wantsLook`, and calls `handleTimeout` at `timeout`.
 */
export class Monitor {
  readonly #selection: Selection;
  readonly #liveness: Liveness;
  readonly #recovery: Recovery;
  readonly #ledger = new Ledger();
  readonly #outbox: Outbox;
  readonly #table: Table;
  #listening = false;
  #pictured = false;
  #events = 0;
  #unknown = 0;
  #recovered = 0;
  #lostQueue = 0;
  #lostMemory = 0;
  #missing: number | undefined;

  constructor(options: MonitorOptions) {
    const { kinds, repair, probeMs, queueMax, cpus, random } = options;
    this.#selection = select(kinds, repair);
    const { mask, picture, wants } = this.#selection;
    this.#liveness = new Liveness({ mask, probeMs, cpus, random });
    this.#recovery = new Recovery({ picture, cpus, random });
    this.#table = new Table((pid, before, after) => this.#outbox.changed(pid, before, after));
    const current = (pid: number): Process | undefined => this.#table.get(pid);
    this.#outbox = new Outbox(queueMax, current, wants, picture);
  }

  get processes(): ReadonlyMap<number, Process> {
    return this.#table.processes;
  }

  /** The kernel reports, and the picture was taken once where there is one. */
  get ready(): boolean {
    return this.#listening && (this.#pictured || !this.#selection.picture);
  }

  /** Why cn_proc cannot be had. */
  get refusal(): 'permission' | 'silence' | undefined {
    return this.#liveness.state === 'refused' ? this.#liveness.refusal : undefined;
  }

  /** Whether the kernel does the filtering. */
  get filtering(): boolean {
    return this.#liveness.filtering;
  }

  /** Whether a settled moment is still sought. */
  get settling(): boolean {
    return this.#recovery.settling;
  }

  /** Whether the picture was right and all counts agreed when last compared. */
  get settled(): boolean {
    return this.#recovery.settled;
  }

  get stats(): ProcStats {
    return {
      events: this.#events,
      lostQueue: this.#lostQueue,
      lostMemory: this.#lostMemory,
      lostConsumer: this.#outbox.refused,
      missing: this.#missing,
      mutes: this.#liveness.mutes,
      recovered: this.#recovered,
      looks: this.#recovery.looks,
      unknown: this.#unknown,
    };
  }

  /** The next event for the consumer. */
  take(now: number): ProcEvent | undefined {
    return this.#outbox.take(now);
  }

  get hasEvents(): boolean {
    return !this.#outbox.empty;
  }

  /** The next request to be sent; report it to `sent`. */
  peekRequest(): Request | undefined {
    return this.#liveness.peekRequest() ?? this.#recovery.peekRequest();
  }

  sent(request: Request, now: number): void {
    if (request === this.#liveness.peekRequest()) this.#liveness.sent(now);
    else this.#recovery.sent();
  }

  get wantsLook(): boolean {
    return this.#recovery.wantsLook;
  }

  wantsTurn(now: number): boolean {
    return this.#recovery.wantsTurn || this.#liveness.wantsTurn(now);
  }

  get timeout(): number {
    return Math.min(this.#liveness.timeout, this.#listening ? this.#recovery.timeout : Infinity);
  }

  /** Takes a datagram from the kernel. Nothing in it can do worse than be counted. */
  handleDatagram(slab: Slab, start: number, end: number, now: number): void {
    const report = readReport(slab, start, end);
    if (report === undefined) {
      this.#unknown += 1;
      return;
    }
    const { cpu, seq, ack, errno, event } = report;
    if (cpu !== NO_CPU && !this.#liveness.filtering) this.#ledger.observe(cpu, seq);
    if (errno !== undefined) this.#handleAnswer(ack, errno, now);
    else if (event === undefined) this.#unknown += 1;
    else this.#handleEvent(event);
  }

  /**
   * Takes a datagram that the socket aside got. Its filter is not that of the other, so it gets the
   * same events again: only answers count.
   */
  handleAside(slab: Slab, start: number, end: number, now: number): void {
    const report = readReport(slab, start, end);
    if (report?.errno !== undefined) this.#handleAnswer(report.ack, report.errno, now);
  }

  /** Whether the numbers tell of a loss that the drop counter, as last read, does not. */
  get suspects(): boolean {
    return this.#ledger.exceeds(this.#lostQueue);
  }

  /** Takes the kernel's drop counter, 32 bits, as it is now. */
  handleDrops(drops: number, now: number): void {
    const more = (drops - this.#lostQueue) >>> 0;
    this.#lostQueue += more;
    if (more > 0) {
      this.#liveness.handleLoss();
      this.#lose('queue', more, now);
    } else if (this.suspects && !this.#recovery.wantsTurn) {
      this.#recovery.wantRound();
    }
  }

  /** All that waited when the last request was sent has been read. `drops` as above. */
  handleTurn(now: number, drops: number): void {
    this.handleDrops(drops, now);
    this.#liveness.handleTurn(now);
    const step = this.#recovery.handleTurn(now, this.#lostQueue);
    if (step.kind === 'wait') return;
    if (step.kind === 'settled' || step.settled) this.#settled(now);
    if (step.kind === 'compare') this.#compare(step.entries, now);
  }

  /** Takes the living processes as a look at /proc showed them. */
  handleLook(entries: readonly Entry[]): void {
    this.#recovery.handleLook(entries, this.#lostQueue);
  }

  handleTimeout(now: number, drops: number): void {
    this.handleDrops(drops, now);
    if (this.#liveness.handleTimeout(now)) this.#lose('muted', undefined, now);
    if (this.#listening) this.#recovery.handleTimeout(now, this.#lostQueue);
  }

  /** Seeks a moment in which nothing is lost, to compare the counts. */
  settle(now: number): void {
    this.#recovery.settle(now);
  }

  #handleAnswer(ack: number, errno: number, now: number): void {
    this.#recovery.handleAnswer(ack);
    const unmuted = this.#liveness.handleAnswer(ack, errno, now);
    // What was done while the kernel was muted is found out only after it reports again.
    if (unmuted) this.#recovery.handleLoss();
    if (this.#listening || this.#liveness.state !== 'listening') return;
    this.#listening = true;
    this.#recovery.begin(!this.#liveness.filtering);
  }

  #handleEvent(event: KernelEvent): void {
    this.#events += 1;
    if (this.#selection.picture) this.#picture(event);
    if (this.ready) this.#outbox.push(event);
  }

  #picture(event: KernelEvent): void {
    const { kind, pid, timeMs } = event;
    const known = this.#table.get(pid);
    if (kind === 'fork' && known !== undefined && pid === event.tid) {
      if (sameFork(known, timeMs)) return;
      // Its number is given to another: its end was lost.
      this.#table.remove(pid);
      this.#recover(recoveredExit(pid, timeMs));
    }
    if (this.#table.apply(event)) this.#recovery.touch(pid);
  }

  #compare(entries: readonly Entry[], now: number): void {
    const { touched } = this.#recovery;
    for (const event of reconcile(this.#table, entries, touched, now)) this.#recover(event);
    this.#pictured = true;
    // While the kernel is muted a look is out of date as soon as it is taken.
    const muted = this.#liveness.state !== 'listening';
    if (!this.#recovery.dirty && !muted) this.#outbox.restored(now);
  }

  /** Events of the first look are the picture to begin with, and no news. */
  #recover(event: KernelEvent): void {
    if (!this.#pictured) return;
    this.#recovered += 1;
    this.#outbox.push(event);
  }

  #settled(now: number): void {
    if (this.#liveness.filtering) return;
    const unqueued = this.#ledger.settle(this.#lostQueue);
    this.#missing = this.#ledger.missing;
    if (unqueued > 0) this.#lose('memory', unqueued, now);
  }

  #lose(cause: LossCause, count: number | undefined, now: number): void {
    if (cause === 'memory') this.#lostMemory += count ?? 0;
    this.#recovery.handleLoss();
    this.#outbox.lost(cause, count, now);
  }
}
