import type { ConnectorId } from '../../core/id.ts';
import { LITTLE_ENDIAN, type Slab } from '../../core/slab.ts';

/** Here: V8 loads an imported constant, and tests it, at each use. */
const NATIVE = LITTLE_ENDIAN;

/**
 * `struct cn_msg`, 20 bytes before the payload. The 2005 text shows a 32-bit `len`; every kernel
 * since has a 16-bit `len` and 16 bits of `flags` in its place (KF §1.1).
 */
export interface CnMsgHeader {
  readonly id: ConnectorId;
  readonly seq: number;
  readonly ack: number;
  /** Payload bytes after this header. */
  readonly length: number;
  readonly flags: number;
}

/** The bytes before the payload: `sizeof(struct cn_msg)`. */
export const CN_MSG_HEADER = 20;

/** The longest payload that `len` can state. */
export const CN_MSG_PAYLOAD_MAX = 0xffff;

const IDX = 0;
const VAL = 4;
const SEQ = 8;
const ACK = 12;
const LEN = 16;
const FLAGS = 18;

/** Reads the header at `at`; the caller has checked that 20 bytes are there. */
export function readCnMsg(slab: Slab, at: number): CnMsgHeader {
  const { view } = slab;
  return {
    id: {
      idx: view.getUint32(at + IDX, NATIVE),
      val: view.getUint32(at + VAL, NATIVE),
    },
    seq: view.getUint32(at + SEQ, NATIVE),
    ack: view.getUint32(at + ACK, NATIVE),
    length: view.getUint16(at + LEN, NATIVE),
    flags: view.getUint16(at + FLAGS, NATIVE),
  };
}

/** Reads only `seq` of the cn_msg at `at`. */
export function cnMsgSeq(slab: Slab, at: number): number {
  return slab.view.getUint32(at + SEQ, NATIVE);
}

/** Reads only `ack` of the cn_msg at `at`. */
export function cnMsgAck(slab: Slab, at: number): number {
  return slab.view.getUint32(at + ACK, NATIVE);
}

/** Reads `seq` and `ack` of the cn_msg at `at`. */
export function cnMsgGenes(slab: Slab, at: number): { readonly seq: number; readonly ack: number } {
  return { seq: cnMsgSeq(slab, at), ack: cnMsgAck(slab, at) };
}

/** Reads only `len` of the cn_msg at `at`. */
export function cnMsgLength(slab: Slab, at: number): number {
  return slab.view.getUint16(at + LEN, NATIVE);
}

/** Reads only `flags` of the cn_msg at `at`. */
export function cnMsgFlags(slab: Slab, at: number): number {
  return slab.view.getUint16(at + FLAGS, NATIVE);
}

/** Writes a header; the arguments stand in the order of the struct. */
export function writeCnMsg(
  slab: Slab,
  at: number,
  id: ConnectorId,
  seq: number,
  ack: number,
  length: number,
  flags: number,
): void {
  const { view } = slab;
  view.setUint32(at + IDX, id.idx, NATIVE);
  view.setUint32(at + VAL, id.val, NATIVE);
  view.setUint32(at + SEQ, seq, NATIVE);
  view.setUint32(at + ACK, ack, NATIVE);
  view.setUint16(at + LEN, length, NATIVE);
  view.setUint16(at + FLAGS, flags, NATIVE);
}
