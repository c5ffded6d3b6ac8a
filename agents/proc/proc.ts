import type { Timer } from '../../core/clock.ts';
import { ConnectorError, required } from '../../core/errors.ts';
import { Slab } from '../../core/slab.ts';
import { SystemClock } from '../../core/system-clock.ts';
import { SystemRandom } from '../../core/system-random.ts';
import { Affinity } from '../../transport/netlink/affinity.ts';
import { openNetlink, type NetlinkTransport } from '../../transport/netlink/netlink.ts';
import type { SendOutcome, Sink } from '../../transport/transport.ts';
import type { ProcEvent } from './event.ts';
import { procKinds, select, type ProcKind } from './kinds.ts';
import type { Request } from './liveness.ts';
import { Monitor, type ProcStats } from './monitor.ts';
import {
  bootOffset,
  describe,
  foreignNamespace,
  hiddenProcesses,
  listPids,
  onlineCpus,
  readEntry,
  type Description,
} from './procfs.ts';
import type { Entry, Process } from './table.ts';
import { encodeOperation, IGNORE } from './wire.ts';

export type * from './event.ts';
export type { Description, Process, ProcKind, ProcStats };
export { procKinds };

/** cn_proc's multicast group, and where the kernel is. */
const GROUP = 1;
const KERNEL = 0;
/** By default room for 20,000 events, if the system allows it. */
const RECEIVE_BUFFER = 8 * 1024 * 1024;
/** Processes looked at in one turn of the event loop: about 5 ms. */
const LOOK_CHUNK = 256;
/** Turns that the last request may take to be sent. */
const IGNORE_TURNS = 1000;

/** From performance.now() to CLOCK_MONOTONIC, the kernel's clock. */
const MONOTONIC_MS = monotonicOffset();

/** Tells `watchProcesses` what to watch. */
export interface WatchOptions {
  /** The kinds of events wanted; by default all. */
  readonly kinds?: readonly ProcKind[];
  /**
   * By default, if forks, execs or exits are wanted, a picture of the living processes is kept, and
   * after losses it is mended by recovered events. For that the kernel has to report everything.
   * With `false`, or if none of the three is wanted, Linux 6.6 and later leaves out what is not
   * wanted before it costs anything; but then losses are counted and not made good, and those for
   * want of memory not even noticed.
   */
  readonly repair?: boolean;
  /** How often to see whether the kernel still reports, in ms. Default: 1000. */
  readonly probeMs?: number;
  /** Events that may wait to be iterated over; what does not fit is a loss. Default: 65,536. */
  readonly queueMax?: number;
  /**
   * Bytes as given to SO_RCVBUF, cut by the kernel to net.core.rmem_max and doubled; an event takes
   * 832 (KF §6.1). Default: 8 MiB.
   */
  readonly receiveBuffer?: number;
}

/** Process events of the whole machine, as they are reported. */
export interface ProcWatch extends AsyncIterable<ProcEvent>, AsyncDisposable {
  /** The address of the socket, as in /proc/net/netlink. */
  readonly portid: number;
  /** Spoofed datagrams that were refused: sent by a process and not by the kernel. */
  readonly spoofed: number;
  /** Whether the kernel leaves out what is not wanted. */
  readonly kernelFilter: boolean;
  /**
   * The living processes by pid, as far as is known now. It may be ahead of the iteration. Empty
   * where no picture is kept.
   */
  readonly processes: ReadonlyMap<number, Process>;
  stats(): ProcStats;
  /**
   * Says what the process is that had this pid at the time of an event, if that can still be known.
   */
  describe(pid: number, timeMs: number): Description;
  /**
   * Waits for a moment in which nothing is being lost and the picture is right, 5 s at most. Then
   * `stats` and `processes` are exact until the caller's turn ends. False: there was none.
   */
  settle(): Promise<boolean>;
  /** Stops. The iteration ends after what waits in its queue. Idempotent. */
  close(): Promise<void>;
}

/**
 * Watches the processes of this machine through the kernel's process event connector. Resolves when
 * the kernel reports and the processes that live are known; from then on no change is missing from
 * the iteration without a `lost` event in its place.
 *
 * Close it: the kernel counts its listeners and goes on reporting for one that died.
 *
 * Throws `ConnectorError`: `invalid-argument`; `unavailable` (no Linux, no koffi, no connector or
 * no cn_proc in this kernel, another namespace than the first); `refused` (kernels before 6.6 want
 * CAP_NET_ADMIN; a /proc that hides processes). The iteration throws `unavailable` if the socket
 * breaks.
 */
export async function watchProcesses(options: WatchOptions = {}): Promise<ProcWatch> {
  const { kinds, repair = true, probeMs = 1000, queueMax = 65_536 } = options;
  const known = kinds?.every((kind) => Object.hasOwn(procKinds, kind)) ?? true;
  required(known && kinds?.length !== 0, `kinds are some of ${Object.keys(procKinds).join(', ')}`);
  required(probeMs >= 10 && probeMs <= 3_600_000, 'probeMs is from 10 to 3,600,000');
  required(Number.isInteger(queueMax) && queueMax > 0, 'queueMax is a positive whole number');
  requireMachine(select(kinds, repair).picture);
  const [cpus, random] = [onlineCpus(), new SystemRandom()];
  const monitor = new Monitor({ kinds, repair, probeMs, queueMax, cpus, random });
  const watch = new Watch(monitor, options.receiveBuffer ?? RECEIVE_BUFFER);
  try {
    await watch.open();
  } catch (error) {
    await watch.close();
    throw error;
  }
  return watch;
}

function requireMachine(picture: boolean): void {
  const namespace = process.platform === 'linux' ? foreignNamespace() : undefined;
  if (namespace !== undefined) {
    const message = `process events can be had in the first ${namespace} namespace of a machine `
      + 'only, and this process is in another (a container?)';
    throw new ConnectorError('unavailable', message);
  }
  const hidden = process.platform === 'linux' && picture ? hiddenProcesses() : undefined;
  if (hidden === undefined) return;
  throw new ConnectorError('refused', `/proc does not show the processes: ${hidden}`);
}

/** The driver: the socket, the timer, /proc. All that is decided is decided in `Monitor`. */
class Watch implements ProcWatch, Sink {
  readonly #monitor: Monitor;
  readonly #transport: NetlinkTransport;
  /** For questions where the filter hides the answers; opened when the first is asked. */
  #aside: NetlinkTransport | undefined;
  readonly #affinity = new Affinity();
  readonly #clock = new SystemClock();
  readonly #timer: Timer;
  #turn: NodeJS.Immediate | undefined;
  #looking = false;
  #closing: Promise<void> | undefined;
  #closed = false;
  #error: Error | undefined;
  /** Who waits for something to change. */
  #waiting: (() => void)[] = [];

  constructor(monitor: Monitor, receiveBuffer: number) {
    this.#monitor = monitor;
    this.#transport = openNetlink({ protocol: 'connector', groups: [GROUP], receiveBuffer });
    this.#timer = this.#clock.timer(() => {
      this.#monitor.handleTimeout(now(), this.#transport.drops);
      this.#run();
    });
  }

  get portid(): number {
    return this.#transport.portid;
  }

  get spoofed(): number {
    return this.#transport.stats().foreign;
  }

  get kernelFilter(): boolean {
    return this.#monitor.filtering;
  }

  get processes(): ReadonlyMap<number, Process> {
    return this.#monitor.processes;
  }

  stats(): ProcStats {
    return this.#monitor.stats;
  }

  describe(pid: number, timeMs: number): Description {
    return describe(pid, timeMs, bootOffset(now()));
  }

  async open(): Promise<void> {
    this.#transport.start(this);
    this.#run();
    await this.#until(() => this.#monitor.ready || this.#monitor.refusal !== undefined);
    const { refusal } = this.#monitor;
    if (refusal !== undefined) throw refused(refusal);
  }

  async settle(): Promise<boolean> {
    this.#monitor.settle(now());
    this.#run();
    await this.#until(() => !this.#monitor.settling);
    return this.#monitor.settled;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<ProcEvent, void, undefined> {
    for (;;) {
      const event = this.#monitor.take(now());
      if (event !== undefined) yield event;
      else if (this.#error !== undefined) throw this.#error;
      else if (this.#closed) return;
      else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  receive(slab: Slab, start: number, end: number): void {
    this.#monitor.handleDatagram(slab, start, end, now());
  }

  overrun(): void {
    this.#monitor.handleDrops(this.#transport.drops, now());
  }

  received(): void {
    if (this.#monitor.suspects) this.#monitor.handleDrops(this.#transport.drops, now());
    this.#run();
  }

  failed(error: Error): void {
    this.#error ??= error;
    void this.close();
  }

  /** Does what the monitor wants done now, and sees to it that it is called again. */
  readonly #run = (): void => {
    if (this.#closed) return;
    // What waits in the queue when something is sent is handed over before the next immediate.
    if (this.#sendAll() && this.#turn !== undefined) {
      clearImmediate(this.#turn);
      this.#turn = undefined;
    }
    const waits = this.#monitor.peekRequest() !== undefined;
    if (waits || this.#monitor.wantsTurn(now())) this.#turn ??= setImmediate(this.#endTurn);
    if (this.#monitor.wantsLook && !this.#looking) void this.#look();
    const { timeout } = this.#monitor;
    if (timeout === Infinity) this.#timer.disarm();
    else this.#timer.arm(timeout - MONOTONIC_MS);
    this.#wake();
  };

  readonly #endTurn = (): void => {
    this.#turn = undefined;
    if (this.#closed) return;
    this.#monitor.handleTurn(now(), this.#transport.drops);
    this.#run();
  };

  /** Sends what is to be sent; gives whether anything was. The rest goes with the next turn. */
  #sendAll(): boolean {
    let any = false;
    for (;;) {
      const request = this.#monitor.peekRequest();
      if (request === undefined) return any;
      const outcome = this.#send(request);
      if (outcome === 'no-peer' || outcome === 'denied' || outcome === 'too-big') {
        this.failed(unreachable(outcome));
        return any;
      }
      if (outcome !== 'sent') return any;
      any = true;
      this.#monitor.sent(request, now());
    }
  }

  #send(request: Request): SendOutcome {
    if (request.aside) return this.#sendAside(request);
    const work = (): SendOutcome => sendTo(this.#transport, request);
    return request.cpu === undefined ? work() : this.#affinity.on(request.cpu, work);
  }

  /** Asks by a socket that is a member just for as long as it takes to be answered. */
  #sendAside(request: Request): SendOutcome {
    if (this.#aside === undefined) {
      this.#aside = openNetlink({ protocol: 'connector' });
      this.#aside.start({
        receive: (slab, start, end) => this.#monitor.handleAside(slab, start, end, now()),
        overrun: () => {},
        received: this.#run,
        failed: (error) => this.failed(error),
      });
    }
    this.#aside.join(GROUP);
    const outcome = sendTo(this.#aside, request);
    this.#aside.leave(GROUP);
    return outcome;
  }

  /** Looks at all of /proc, a part in each turn: reports go on being read meanwhile. */
  async #look(): Promise<void> {
    this.#looking = true;
    try {
      const offset = bootOffset(now());
      const entries: Entry[] = [];
      for (const [index, pid] of listPids().entries()) {
        if (index % LOOK_CHUNK === LOOK_CHUNK - 1) await nextTurn();
        const entry = readEntry(pid, offset);
        if (entry !== undefined) entries.push(entry);
      }
      if (!this.#closed) this.#monitor.handleLook(entries);
    } catch (error) {
      this.failed(error as Error);
    } finally {
      this.#looking = false;
    }
    this.#run();
  }

  /** Waits until a condition holds. Throws what broke the watch. */
  async #until(condition: () => boolean): Promise<void> {
    while (!condition() && this.#error === undefined && !this.#closed) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    if (this.#error !== undefined) throw this.#error;
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }

  async #close(): Promise<void> {
    this.#timer.disarm();
    if (this.#turn !== undefined) clearImmediate(this.#turn);
    this.#monitor.handleDrops(this.#transport.drops, now());
    this.#closed = true;
    const ignore = { operation: IGNORE, mask: undefined, ack: new SystemRandom().u32() };
    for (let turn = 0; turn < IGNORE_TURNS; turn++) {
      const outcome = sendTo(this.#transport, ignore);
      if (outcome !== 'busy' && outcome !== 'no-memory') break;
      await nextTurn();
    }
    this.#transport.close();
    this.#aside?.close();
    this.#wake();
  }
}

function sendTo(transport: NetlinkTransport, request: Omit<Request, 'cpu' | 'aside'>): SendOutcome {
  const bytes = encodeOperation(request);
  return transport.send(new Slab(bytes), 0, bytes.length, KERNEL);
}

function unreachable(outcome: SendOutcome): ConnectorError {
  const message = outcome === 'no-peer'
    ? 'the kernel has its connector in the first network namespace only, and this process is in '
      + 'another'
    : `the kernel's connector cannot be sent to: ${outcome}`;
  return new ConnectorError('unavailable', message);
}

function refused(refusal: 'permission' | 'silence'): ConnectorError {
  if (refusal === 'permission') {
    return new ConnectorError('refused', 'this kernel reports to CAP_NET_ADMIN only (up to 6.5)');
  }
  const message = 'cn_proc does not answer: this kernel is built without CONFIG_PROC_EVENTS, or '
    + 'somebody keeps its count of listeners below one';
  return new ConnectorError('unavailable', message);
}

function now(): number {
  return performance.now() + MONOTONIC_MS;
}

function monotonicOffset(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1000 + nanoseconds / 1e6 - performance.now();
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
