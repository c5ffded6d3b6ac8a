import { LITTLE_ENDIAN, Slab } from '../../core/slab.ts';
import { CN_MSG_HEADER, cnMsgAck, cnMsgLength, cnMsgSeq } from '../../transport/wire/cnmsg.ts';
import { encodeMessage, nlmsgMalformation } from '../../transport/wire/datagram.ts';
import { NLMSG_HEADER } from '../../transport/wire/nlmsg.ts';
import type { KernelEvent } from './event.ts';
import { procKinds } from './kinds.ts';

/** cn_proc's connector id. */
export const PROC_ID = { idx: 1, val: 1 } as const;

/**
 * What can be asked of cn_proc. There is no operation 0: the kernel answers it with EINVAL and, on
 * every version, leaves its count of listeners alone. That makes it the harmless question whether
 * anybody is answered at all; a LISTEN, repeated, counts again before 6.6 (KF §7.4).
 */
export const ASK = 0;
export const LISTEN = 1;
export const IGNORE = 2;

/** A datagram of cn_proc as read. */
export interface Report {
  /** The number that the kernel's counter on that CPU had; means nothing on CPU `NO_CPU`. */
  readonly seq: number;
  readonly ack: number;
  readonly cpu: number;
  /** Of an answer to an operation: the kernel's error number, 0 for success. */
  readonly errno: number | undefined;
  /** Undefined for an answer, and for a kind that came after this library. */
  readonly event: KernelEvent | undefined;
}

/** The CPU of answers before 4.8, which consume no number (KF §3). */
export const NO_CPU = 0xffff_ffff;

/** Offsets in proc_event, after the cn_msg header (KF §7.1). */
const WHAT = 0;
const CPU = 4;
const TIME = 8;
const DATA = 16;
/** All versions of the struct have at least this; the last words of EXIT came later. */
const LENGTH_MIN = 32;
const LENGTH = 40;
const COMM_LENGTH = 16;
const NO_EVENT = 0;

/** Reads one datagram from the kernel; undefined if it is none of cn_proc's. Never throws. */
export function readReport(slab: Slab, start: number, end: number): Report | undefined {
  if (nlmsgMalformation(slab, start, end) !== undefined) return undefined;
  const cn = start + NLMSG_HEADER;
  const { view } = slab;
  const isProc = view.getUint32(cn, LITTLE_ENDIAN) === PROC_ID.idx
    && view.getUint32(cn + 4, LITTLE_ENDIAN) === PROC_ID.val;
  const length = cnMsgLength(slab, cn);
  if (!isProc || length < LENGTH_MIN) return undefined;
  const at = cn + CN_MSG_HEADER;
  const word = (offset: number): number => view.getUint32(at + offset, LITTLE_ENDIAN);
  const what = word(WHAT);
  const answer = what === NO_EVENT;
  return {
    seq: cnMsgSeq(slab, cn),
    ack: cnMsgAck(slab, cn),
    cpu: word(CPU),
    errno: answer ? word(DATA) : undefined,
    event: answer ? undefined : readEvent(what, word, slab.bytes, at, length),
  };
}

function readEvent(
  what: number,
  word: (offset: number) => number,
  bytes: Uint8Array,
  at: number,
  length: number,
): KernelEvent | undefined {
  const timeMs = wordPair(word, TIME) / 1e6;
  const who = { timeMs, tid: word(DATA), pid: word(DATA + 4), recovered: false };
  const [first, second] = [word(DATA + 8), word(DATA + 12)];
  switch (what) {
    case procKinds.fork: {
      const { pid, tid } = who;
      const child = { timeMs, pid: second, tid: first, recovered: false };
      return { kind: 'fork', ...child, parentPid: pid, parentTid: tid };
    }
    case procKinds.exec:
      return { kind: 'exec', ...who };
    case procKinds.uid:
      return { kind: 'uid', ...who, realUid: first, effectiveUid: second };
    case procKinds.gid:
      return { kind: 'gid', ...who, realGid: first, effectiveGid: second };
    case procKinds.sid:
      return { kind: 'sid', ...who };
    case procKinds.ptrace: {
      const [tracerTid, tracerPid] = first === 0 ? [undefined, undefined] : [first, second];
      return { kind: 'ptrace', ...who, tracerPid, tracerTid };
    }
    case procKinds.comm: {
      if (length < LENGTH) return undefined;
      const name = readName(bytes.subarray(at + DATA + 8, at + DATA + 8 + COMM_LENGTH));
      return { kind: 'comm', ...who, name };
    }
    case procKinds.coredump:
      return { kind: 'coredump', ...who, parentPid: second };
    case procKinds.exit: {
      const parentPid = length < LENGTH ? 0 : word(DATA + 20);
      return { kind: 'exit', ...who, ...readStatus(first), parentPid: parentPid || undefined };
    }
    default:
      return undefined;
  }
}

/** A u64 as a number: exact below 2^53, which nanoseconds reach after 104 days. */
function wordPair(word: (offset: number) => number, at: number): number {
  const [low, high] = LITTLE_ENDIAN ? [at, at + 4] : [at + 4, at];
  return word(high) * 2 ** 32 + word(low);
}

function readName(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return text.decode(end === -1 ? bytes : bytes.subarray(0, end));
}

const text = new TextDecoder();

/** Takes a wait status apart, as WIFEXITED and the others do. */
function readStatus(status: number): {
  readonly code: number | undefined;
  readonly signal: number | undefined;
  readonly coreDumped: boolean;
} {
  const signal = status & 0x7f;
  const coreDumped = (status & 0x80) !== 0;
  if (signal !== 0) return { code: undefined, signal, coreDumped };
  return { code: (status >> 8) & 0xff, signal: undefined, coreDumped };
}

/** An operation to be sent. */
export interface Operation {
  readonly operation: number;
  /** The kinds to let through: the form of Linux 6.6 and later. Undefined: the old form, all. */
  readonly mask: number | undefined;
  readonly ack: number;
}

/** Writes an operation. Seq is not used for anything: the answer has the kernel's own. */
export function encodeOperation({ operation, mask, ack }: Operation): Uint8Array {
  const words = new Slab(mask === undefined ? 4 : 8);
  words.view.setUint32(0, operation, LITTLE_ENDIAN);
  if (mask !== undefined) words.view.setUint32(4, mask, LITTLE_ENDIAN);
  return encodeMessage({ id: PROC_ID, seq: 0, ack, flags: 0 }, words.bytes);
}
