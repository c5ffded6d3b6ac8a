import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { isMainThread } from 'node:worker_threads';
import { ConnectorError } from '../../core/errors.ts';

/** A descriptor watched for readiness; keeps the process alive. */
export interface Watch {
  /** Once only: koffi 3.3.4 dereferences a null pointer in any other call after it. */
  close(): void;
}

/**
 * The C library as the netlink socket needs it. Addresses are plain numbers (user space ends below
 * 2^53); results are as in C, -1 with the reason in `errno`.
 */
export interface Libc {
  socket(family: number, type: number, protocol: number): number;
  bind(fd: number, address: number, length: number): number;
  getsockname(fd: number, address: number, length: number): number;
  setsockopt(fd: number, level: number, name: number, value: number, length: number): number;
  getsockopt(fd: number, level: number, name: number, value: number, length: number): number;
  sendto(
    fd: number,
    data: number,
    length: number,
    flags: number,
    address: number,
    addressLength: number,
  ): number;
  recvmmsg(fd: number, headers: number, count: number, flags: number, timeout: number): number;
  close(fd: number): number;
  /** The CPUs that a thread may run on (0: the calling one), a bit each; -1 on failure. */
  sched_getaffinity(thread: number, length: number, mask: number): number;
  sched_setaffinity(thread: number, length: number, mask: number): number;
  /** The reason of the last failure; to be read before anything else is called. */
  errno(): number;
  /** Where the bytes lie. Stays true until their buffer is transferred or freed. */
  addressOf(bytes: Uint8Array): number;
  /** Calls back on the event loop as long as the descriptor is readable (level-triggered). */
  watch(fd: number, ready: (status: number) => void): Watch;
}

/** The part of koffi used here, so that its types are not needed where it is not installed. */
interface Koffi {
  load(path: null): Library;
  sizeof(type: string): number;
  address(bytes: Uint8Array): bigint;
  errno(): number;
  /**
   * koffi's declarations (3.3.4) leave out the first argument of the callback; its source passes
   * libuv's status before the events (src/koffi/src/uv.cc, OnPoll).
   */
  readonly node: { poll(fd: number, callback: (status: number) => void): Watch };
}

interface Library {
  func(name: string, result: string, parameters: string[]): unknown;
}

const RTLD_LAZY = 1;
const RTLD_NODELETE = 0x1000;

const require = createRequire(import.meta.url);
let loaded: Libc | undefined;

/**
 * Loads the C library, once in a thread. koffi is an optional dependency and stays unloaded until
 * here, so that a machine where it cannot be had loses netlink and nothing else. Throws
 * `unavailable`, saying why and what to do.
 */
export function loadLibc(): Libc {
  loaded ??= bindLibc(requireKoffi());
  return loaded;
}

function requireKoffi(): Koffi {
  if (process.platform !== 'linux') {
    throw new ConnectorError('unavailable', `netlink needs Linux, this is ${process.platform}`);
  }
  let koffi: Koffi;
  try {
    koffi = require('koffi') as Koffi;
  } catch (cause) {
    const [why] = String(cause instanceof Error ? cause.message : cause).split('\n');
    throw new ConnectorError(
      'unavailable',
      'netlink needs the optional dependency koffi, which could not be loaded on ' +
        `${process.platform}-${process.arch} (${why}); install it with: npm install koffi`,
      { cause },
    );
  }
  if (koffi.sizeof('void *') !== 8) {
    throw new ConnectorError(
      'unavailable',
      `netlink is implemented for 64-bit Linux only; this Node is built for ${process.arch}`,
    );
  }
  return koffi;
}

function bindLibc(koffi: Koffi): Libc {
  const library = koffi.load(null);
  if (!isMainThread) keepLoaded(library);
  const bound = <F>(name: string, result: string, ...parameters: string[]): F =>
    library.func(name, result, parameters) as F;
  const option = ['int', 'int', 'int', 'uint64'];
  const message = ['int', 'uint64', 'uint64', 'int', 'uint64', 'uint32'];
  return {
    socket: bound('socket', 'int', 'int', 'int', 'int'),
    bind: bound('bind', 'int', 'int', 'uint64', 'uint32'),
    getsockname: bound('getsockname', 'int', 'int', 'uint64', 'uint64'),
    setsockopt: bound('setsockopt', 'int', ...option, 'uint32'),
    getsockopt: bound('getsockopt', 'int', ...option, 'uint64'),
    sendto: bound('sendto', 'int64', ...message),
    recvmmsg: bound('recvmmsg', 'int', 'int', 'uint64', 'uint32', 'int', 'uint64'),
    close: bound('close', 'int', 'int'),
    sched_getaffinity: bound('sched_getaffinity', 'int', 'int', 'uint64', 'uint64'),
    sched_setaffinity: bound('sched_setaffinity', 'int', 'int', 'uint64', 'uint64'),
    errno: koffi.errno,
    addressOf: (bytes) => Number(koffi.address(bytes)),
    watch: (fd, ready) => koffi.node.poll(fd, ready),
  };
}

/**
 * Keeps koffi's code in memory when the worker that loaded it ends. Node unloads it before libuv
 * has closed the watches left open, and calls koffi for each: without this, terminating a worker
 * that has an open transport ends the process with a segmentation fault (measured, Node 20 to 26).
 */
function keepLoaded(library: Library): void {
  const dlopen = library.func('dlopen', 'void *', ['str', 'int']) as (
    path: string,
    flags: number,
  ) => unknown;
  for (const path of Object.keys(require.cache)) {
    if (path.endsWith('koffi.node')) dlopen(path, RTLD_LAZY | RTLD_NODELETE);
  }
}

/** The platform's error numbers. */
export const errnos: typeof constants.errno = constants.errno;

/** The symbolic name of an error number, for messages. */
export function errnoName(errno: number): string {
  for (const [name, value] of Object.entries(errnos)) if (value === errno) return name;
  return `errno ${errno}`;
}
