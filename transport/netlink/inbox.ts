import { availableParallelism } from 'node:os';
import { performance } from 'node:perf_hooks';
import { ConnectorError, required } from '../../core/errors.ts';
import type { Credentials, Sink, Source } from '../transport.ts';
import { truesize } from '../truesize.ts';
import { errnoName, errnos } from './binding.ts';
import type { Watch } from './binding.ts';
import { Lookout } from './lookout.ts';
import { BATCH, SLOT } from './memory.ts';
import type { MutableCredentials } from './memory.ts';
import type { NetlinkSocket } from './socket.ts';

/** Taken once: `process` is a getter, which costs more than the call. */
const { nextTick } = process;
const resolved = Promise.resolve();
/** System calls a batch may make, for 256 datagrams, a default queue. Then others have a turn. */
const ROUNDS = 4;
/** Batches that may follow sends within one turn of the event loop, before others have theirs. */
const BATCHES_A_TURN = 32;
/** Batches after which the drop counter is read even if the queue cannot have been full. */
const BATCHES_UNCHECKED = 32;
/**
 * For so long, ms, a queue that was seen empty counts as empty if nothing was sent since: whoever
 * asks again as soon as it is answered need not look twice, and a look takes a tenth of a call. The
 * smallest queue that this holds for takes 157 events (KF §6.1): the kernel does not make so many
 * meanwhile that there is no room for a reply.
 */
const EMPTY_MS = 0.02;
/** For so long, ms, looks follow each other within one turn of the event loop. */
const LOOKS_A_TURN_MS = 0.1;
/** Queues below this, bytes, are drained before each send. */
const EMPTY_QUEUE_MIN = 131_072;
/** What the longest connector message (65,571 bytes, real-kernel §5) charges a queue. */
const LARGEST_CHARGE = truesize(65_572, false);

/** The one `Source` of an inbox, written anew for each datagram. */
class SlotSource implements Source {
  peer = 0;
  group = 0;
  credentials: Credentials | undefined;
  readonly kept: MutableCredentials = { pid: 0, uid: 0, gid: 0 };
}

/**
 * Brings datagrams from the socket to the sink. They pass through the slots of `SocketMemory` in
 * order: those before `#next` were handed out, those before `#filled` came from the kernel. Filling
 * and handing out are two steps, because on `connector` a send must drain the queue but not call
 * the sink.
 *
 * Three ways lead to a batch. Readiness: koffi calls back in libuv's poll phase outside of any
 * callback scope of Node; promise reactions made in there run in the check phase of the same turn
 * on Node 20 to 24, but on 26 not before something else happens (measured). So the batch is an
 * immediate: it comes in the same turn, and what it schedules runs right after it, on every
 * version; and what a sink throws in error is an uncaught exception, not the result of a later call
 * to koffi. Then a send to the kernel: the answer waits when the call returns (KF §2.3), so the
 * batch follows by process.nextTick, without a trip through epoll. And between processes looks at
 * the queue for a little while after a batch, as `Lookout` says.
 *
 * A look is a tick made by a microtask: it comes when all promise reactions have run and whoever
 * was handed a batch has sent what it gave rise to. A turn of the event loop for each would take
 * longer, and hear from epoll of what was just read. But others wait for that turn.
 */
export class Inbox {
  /** Datagrams handed to the sink. */
  received = 0;
  /** Datagrams dropped for being longer than a slot. */
  truncated = 0;
  /** Datagrams dropped for not being the kernel's. */
  foreign = 0;
  readonly #socket: NetlinkSocket;
  readonly #kernelOnly: boolean;
  readonly #source = new SlotSource();
  #sink: Sink | undefined;
  #watch: Watch | undefined;
  #open = true;
  #failure = 0;

  #next = 0;
  #filled = 0;
  /** The queue was empty when last asked. */
  #drained = false;
  /** When the queue was last seen empty with nothing sent since, and for how long that counts. */
  #emptyAt = -Infinity;
  readonly #emptyMs: number;
  #following = false;
  #batches = 0;
  /** Undefined where looking can find nothing: on the connector answers follow at once. */
  readonly #lookout: Lookout | undefined;
  #looking = false;
  /** When a turn of the event loop was last seen to begin. */
  #turnedAt = -Infinity;

  /** What came out of the queue since it was last seen empty or the drops were last read. */
  #charge = 0;
  #unchecked = 0;
  #drops = 0;
  #lossy: boolean;

  constructor(socket: NetlinkSocket, kernelOnly: boolean) {
    this.#socket = socket;
    this.#kernelOnly = kernelOnly;
    this.#lossy = kernelOnly;
    // Between processes nobody asks.
    this.#emptyMs = kernelOnly && socket.receiveBuffer >= EMPTY_QUEUE_MIN ? EMPTY_MS : 0;
    // With one processor whoever is waited for needs the one that looking takes.
    this.#lookout = kernelOnly || availableParallelism() < 2 ? undefined : new Lookout();
  }

  /** True while it looks again and again: the sink hears of each look. */
  get looking(): boolean {
    return this.#looking && this.#open;
  }

  /**
   * Watches for drops from now on. The kernel drops only multicasts and what it sends itself: a
   * process whose unicast finds the queue full is told so (KF §6.5 #9).
   */
  expectDrops(): void {
    this.#lossy = true;
  }

  start(sink: Sink): void {
    required(this.#sink === undefined, 'a transport starts once');
    this.#sink = sink;
    this.#watch = this.#socket.watch((status) => {
      if (status < 0) this.#failure = -status;
      if (!this.#looking) setImmediate(this.#deliverInTurn); // else a look comes in this turn
    });
    this.follow();
  }

  /** Nothing is delivered afterwards. */
  close(): void {
    this.#open = false;
    this.#unwatch();
  }

  /** Takes from the queue what the slots can hold, calling nobody. True if it is empty now. */
  drain(): boolean {
    const room = BATCH - this.#filled;
    this.#drained = false;
    if (room > 0) {
      const count = this.#socket.receive(this.#filled);
      if (count >= 0) {
        this.#filled += count;
        this.#drained = count < room;
      } else if (count === -errnos.EAGAIN) {
        this.#drained = true;
      } else {
        this.#failure = -count;
      }
    }
    return this.#drained;
  }

  /** Clears the queue for what a send to the kernel may put there; true if it is empty now. */
  clear(): boolean {
    const seen = this.#emptyMs > 0 && performance.now() - this.#emptyAt < this.#emptyMs;
    return seen || this.drain();
  }

  /** Makes a batch follow what was sent. */
  follow(): void {
    this.#emptyAt = -Infinity;
    if (this.#following || this.#sink === undefined) return;
    this.#following = true;
    if (this.#batches++ < BATCHES_A_TURN) nextTick(this.#deliver);
    else setImmediate(this.#deliverInTurn);
  }

  readonly #deliverInTurn = (): void => {
    this.#batches = 0;
    this.#deliver();
  };

  readonly #deliver = (): void => {
    this.#following = false;
    const sink = this.#sink;
    if (sink === undefined || !this.#open) return;
    this.#refill();
    this.#handBatch(sink);
  };

  #refill(): void {
    // Before the look: what comes after it while others have the processor is not seen.
    const now = this.#emptyMs > 0 ? performance.now() : 0;
    if (this.drain()) this.#emptyAt = now;
  }

  /**
   * Delivers one batch: what is in the slots and in the queue, up to a bound. For the rest,
   * readiness comes again.
   */
  #handBatch(sink: Sink): void {
    let any = false;
    for (let round = 1; ; round++) {
      while (this.#next < this.#filled) {
        any = true;
        this.#hand(this.#next++, sink);
        if (!this.#open) return;
      }
      this.#next = 0;
      this.#filled = 0;
      if (this.#drained || this.#failure !== 0 || round === ROUNDS) break;
      this.#refill();
    }
    if (this.#lossy && this.#reportDrops(sink)) any = true;
    if (any && this.#open) sink.received();
    if (!this.#open) return;
    if (this.#failure !== 0) {
      this.#fail(sink);
    } else if (any && this.#lookout !== undefined) {
      const now = performance.now();
      if (this.#lookout.found(now)) this.#lookOn(now);
    }
  }

  #lookOn(now: number): void {
    if (this.#looking) return;
    this.#looking = true;
    if (now - this.#turnedAt < LOOKS_A_TURN_MS) void resolved.then(this.#planLook);
    else setImmediate(this.#lookInTurn);
  }

  readonly #planLook = (): void => nextTick(this.#look);

  readonly #lookInTurn = (): void => {
    this.#turnedAt = performance.now();
    this.#look();
  };

  readonly #look = (): void => {
    this.#looking = false;
    const sink = this.#sink;
    if (sink === undefined || !this.#open || this.#lookout === undefined) return;
    this.drain();
    if (this.#filled > 0 || this.#failure !== 0) {
      this.#handBatch(sink);
    } else {
      const now = performance.now();
      if (this.#lookout.missed(now)) this.#lookOn(now);
    }
    sink.looked?.();
  };

  #hand(slot: number, sink: Sink): void {
    const { memory } = this.#socket;
    const source = this.#source;
    const length = memory.length(slot);
    source.peer = memory.sender(slot);
    if (this.#lossy) this.#charge += truesize(length, false);
    if (this.#kernelOnly && source.peer !== 0) {
      this.foreign++;
    } else if (length > SLOT) {
      this.truncated++;
    } else {
      source.group = memory.group(slot);
      source.credentials = memory.credentials(slot, source.kept) ? source.kept : undefined;
      this.received++;
      sink.receive(memory.slots, slot * SLOT, slot * SLOT + length, source);
    }
  }

  /**
   * Reports what the kernel dropped since the last report. The counter costs a system call, so it
   * is read only if the queue can have been full. An empty queue takes anything (KF §6.1); so
   * whatever was refused was refused while others waited, those were all handed out since, and
   * together they exceeded the queue. For the same reason no drop is left without a batch to come
   * after it. Only drops for want of memory happen at any time (KF §6.5 #4); they are found within
   * 32 batches.
   */
  #reportDrops(sink: Sink): boolean {
    const full = this.#charge + LARGEST_CHARGE > this.#socket.receiveBuffer;
    if (!full && ++this.#unchecked < BATCHES_UNCHECKED) {
      if (this.#drained) this.#charge = 0;
      return false;
    }
    this.#charge = 0;
    this.#unchecked = 0;
    const drops = this.#socket.drops();
    const lost = (drops - this.#drops) >>> 0;
    if (lost === 0) return false;
    this.#drops = drops;
    sink.overrun(lost);
    return true;
  }

  #fail(sink: Sink): void {
    this.#open = false;
    this.#unwatch();
    const reason = errnoName(this.#failure);
    sink.failed(new ConnectorError('unavailable', `receiving from netlink failed: ${reason}`));
  }

  #unwatch(): void {
    this.#watch?.close();
    this.#watch = undefined;
  }
}
