/** What every report of the kernel has. */
interface Common {
  /**
   * When it happened: fractional milliseconds of CLOCK_MONOTONIC, as the kernel stamped it. Of a
   * recovered event: when it was found out.
   */
  readonly timeMs: number;
  /** The process id: the same for all threads of a process (the kernel's tgid). */
  readonly pid: number;
  /** The thread id: that of the process for its main thread (the kernel's pid). */
  readonly tid: number;
  /**
   * True if the kernel's own report was lost and this was found by comparing the process table: it
   * is true, but when exactly and in which order it came about is not known.
   */
  readonly recovered: boolean;
}

/**
 * A process came to be or, where `tid` and `pid` differ, a thread. Of a recovered one the parent is
 * who it is by now; children whose parent has ended are adopted without a report.
 */
export interface ForkEvent extends Common {
  readonly kind: 'fork';
  readonly parentPid: number;
  readonly parentTid: number;
}

/**
 * A process runs another program. Also puts a process back whose main thread had ended before
 * another one did this. A recovered one says that the process has another name than it had, or than
 * its parent: only a process that renames itself is mistaken for it.
 */
export interface ExecEvent extends Common {
  readonly kind: 'exec';
}

/** Somebody runs as another user. */
export interface UidEvent extends Common {
  readonly kind: 'uid';
  readonly realUid: number;
  readonly effectiveUid: number;
}

/** Somebody runs with another group. */
export interface GidEvent extends Common {
  readonly kind: 'gid';
  readonly realGid: number;
  readonly effectiveGid: number;
}

/** A process leads a new session. */
export interface SidEvent extends Common {
  readonly kind: 'sid';
}

/** A tracer attached; both undefined: it detached. */
export interface PtraceEvent extends Common {
  readonly kind: 'ptrace';
  readonly tracerPid: number | undefined;
  readonly tracerTid: number | undefined;
}

/** A thread took another name: 15 bytes at most, shown as UTF-8. */
export interface CommEvent extends Common {
  readonly kind: 'comm';
  readonly name: string;
}

/** A core is about to be dumped, whether or not limits let it. */
export interface CoredumpEvent extends Common {
  readonly kind: 'coredump';
  readonly parentPid: number;
}

/**
 * A thread ended; with its main thread (`tid` is `pid`) the process counts as ended. `code` and
 * `signal` exclude each other; a recovered event knows neither.
 */
export interface ExitEvent extends Common {
  readonly kind: 'exit';
  /** What it gave to exit(). */
  readonly code: number | undefined;
  /** What killed it. */
  readonly signal: number | undefined;
  readonly coreDumped: boolean;
  /** Undefined where the kernel does not say: threads, and kernels before 4.18. */
  readonly parentPid: number | undefined;
}

/** What the kernel reports. */
export type KernelEvent =
  | ForkEvent
  | ExecEvent
  | UidEvent
  | GidEvent
  | SidEvent
  | PtraceEvent
  | CommEvent
  | CoredumpEvent
  | ExitEvent;

/**
 * Why reports are missing.
 * - `queue`: the socket's receive queue was full; counted by the kernel.
 * - `memory`: the kernel had no memory for them; seen as gaps in its per-CPU numbers (KF §6.5 #3).
 * - `consumer`: whoever iterates took too long and the bounded queue to it was full.
 * - `muted`: somebody had turned the kernel's reports off for the whole machine (KF §7.4).
 */
export type LossCause = 'queue' | 'memory' | 'consumer' | 'muted';

/** Reports are missing. What can be found out about them follows as recovered events. */
export interface LostEvent {
  readonly kind: 'lost';
  readonly timeMs: number;
  readonly cause: LossCause;
  /** How many; undefined for `muted`, because the kernel does not number what it does not make. */
  readonly count: number | undefined;
}

/**
 * After losses: the events so far give a right picture of the living processes again. Not sent
 * where no picture is kept (see `WatchOptions.kinds`).
 */
export interface RestoredEvent {
  readonly kind: 'restored';
  readonly timeMs: number;
}

/** What an iteration over a watch gives. */
export type ProcEvent = KernelEvent | LostEvent | RestoredEvent;
