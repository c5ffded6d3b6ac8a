import { LITTLE_ENDIAN, type Slab } from '../../core/slab.ts';

/** Here: V8 loads an imported constant, and tests it, at each use. */
const NATIVE = LITTLE_ENDIAN;

/**
 * `struct nlmsghdr`, 16 bytes in the machine's byte order (KF §1.1). `length` counts the header and
 * the payload; the zeros that pad a message to 4 bytes come after it.
 */
export interface NlmsgHeader {
  readonly length: number;
  readonly type: number;
  readonly flags: number;
  readonly seq: number;
  /** Forgeable by any sender (KF §8.4): shown, never trusted. */
  readonly pid: number;
}

/** The bytes before the payload: `sizeof(struct nlmsghdr)`. */
export const NLMSG_HEADER = 16;

/**
 * What the kernel's connector puts on every message; generic parsers take it for an end of dump.
 */
export const NLMSG_DONE = 3;

const LENGTH = 0;
const TYPE = 4;
const FLAGS = 6;
const SEQ = 8;
const PID = 12;

/** Reads the header at `at`; the caller has checked that 16 bytes are there. */
export function readNlmsg(slab: Slab, at: number): NlmsgHeader {
  const { view } = slab;
  return {
    length: view.getUint32(at + LENGTH, NATIVE),
    type: view.getUint16(at + TYPE, NATIVE),
    flags: view.getUint16(at + FLAGS, NATIVE),
    seq: view.getUint32(at + SEQ, NATIVE),
    pid: view.getUint32(at + PID, NATIVE),
  };
}

/** Reads only the length, for walking a datagram without making an object. */
export function nlmsgLength(slab: Slab, at: number): number {
  return slab.view.getUint32(at + LENGTH, NATIVE);
}

/** Writes a header as the kernel's connector does: type NLMSG_DONE, no flags, pid 0. */
export function writeNlmsg(slab: Slab, at: number, length: number, seq: number): void {
  const { view } = slab;
  view.setUint32(at + LENGTH, length, NATIVE);
  view.setUint32(at + TYPE, NATIVE ? NLMSG_DONE : NLMSG_DONE << 16, NATIVE);
  view.setUint32(at + SEQ, seq, NATIVE);
  view.setUint32(at + PID, 0, NATIVE);
}
