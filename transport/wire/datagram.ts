import {
  CN_MSG_HEADER,
  CN_MSG_PAYLOAD_MAX,
  cnMsgLength,
  readCnMsg,
  writeCnMsg,
  type CnMsgHeader,
} from './cnmsg.ts';
import { required } from '../../core/errors.ts';
import { NLMSG_HEADER, nlmsgLength, readNlmsg, writeNlmsg, type NlmsgHeader } from './nlmsg.ts';
import { align4, Slab } from '../../core/slab.ts';

/**
 * Datagram ↔ messages. A datagram holds one or more nlmsghdr messages, a nlmsghdr one or more
 * cn_msg: the kernel itself sends one of each, w1 bundles several cn_msg, and user processes may do
 * both.
 *
 * Reading is as lenient as the kernel (KF §1.1, §1.4): type, flags, seq and pid of the nlmsghdr
 * mean nothing; the payload ends where cn_msg.len says, even if nlmsg_len counts padding or more.
 */

/** Why a datagram, or the rest of one, cannot be read. */
export type Malformation =
  | 'short' // not even a nlmsghdr and a cn_msg
  | 'nlmsg-length' // nlmsg_len below 36 or beyond the datagram
  | 'cn-length'; // cn_msg.len beyond the nlmsghdr

/** One cn_msg with the nlmsghdr that it came in. The payload is a view of the given bytes. */
export interface Message {
  readonly nlmsg: NlmsgHeader;
  readonly cn: CnMsgHeader;
  readonly payload: Uint8Array;
}

/** What a datagram turned out to hold, or why it can't be read. */
export type Decoded =
  | {
      readonly ok: true;
      readonly messages: readonly Message[];
      /** Bytes after the last readable message; ignored, as the kernel ignores them. */
      readonly trailing: number;
    }
  | { readonly ok: false; readonly reason: Malformation };

const HEADERS = NLMSG_HEADER + CN_MSG_HEADER;

/** Reads a whole datagram. Never throws; never copies; at most one object per 20 bytes. */
export function decodeDatagram(bytes: Uint8Array): Decoded {
  const slab = new Slab(bytes);
  const messages: Message[] = [];
  const walked = walkDatagram(slab, 0, bytes.length, (at, cnAt) => {
    const cn = readCnMsg(slab, cnAt);
    const payloadAt = cnAt + CN_MSG_HEADER;
    const payload = bytes.subarray(payloadAt, payloadAt + cn.length);
    messages.push({ nlmsg: readNlmsg(slab, at), cn, payload });
  });
  if (typeof walked === 'string') return { ok: false, reason: walked };
  return { ok: true, messages, trailing: walked };
}

/**
 * Gives `take` where each message of the datagram at slab[start, end) has its nlmsghdr and its
 * cn_msg, which is whole. Gives how many bytes are left after the last one, or, if there is none,
 * why. Never throws, copies nothing.
 */
export function walkDatagram(
  slab: Slab,
  start: number,
  end: number,
  take: (at: number, cnAt: number) => void,
): Malformation | number {
  let at = start;
  while (at < end) {
    const reason = nlmsgMalformation(slab, at, end);
    // The kernel reads the first message and never looks at what follows.
    if (reason !== undefined) return at === start ? reason : end - at;
    const next = at + nlmsgLength(slab, at);
    let cnAt = at + NLMSG_HEADER;
    for (let left = bundleCount(slab, cnAt, next); left > 0; left--) {
      take(at, cnAt);
      cnAt += CN_MSG_HEADER + align4(cnMsgLength(slab, cnAt));
    }
    at += align4(next - at);
  }
  return at === start ? 'short' : 0;
}

/**
 * Encodes one message as the kernel would: one nlmsghdr, one cn_msg, padded with zeros. Throws
 * `invalid-argument` for a payload of more than 65,535 bytes.
 */
export function encodeMessage(
  cn: Omit<CnMsgHeader, 'length'>,
  payload: Uint8Array,
): Uint8Array<ArrayBuffer> {
  required(payload.length <= CN_MSG_PAYLOAD_MAX, 'cn_msg.len has 16 bits');
  const bytes = new Uint8Array(messageLength(payload.length));
  writeMessage(new Slab(bytes), cn, payload);
  return bytes;
}

/** How long the datagram of a message is whose payload has so many bytes, padding included. */
export function messageLength(payload: number): number {
  return align4(HEADERS + payload);
}

/** Does as `encodeMessage` at the beginning of a slab that is long enough; gives the length. */
export function writeMessage(
  slab: Slab,
  cn: Omit<CnMsgHeader, 'length'>,
  payload: Uint8Array,
): number {
  const length = HEADERS + payload.length;
  const end = messageLength(payload.length);
  writeNlmsg(slab, 0, length, cn.seq);
  writeCnMsg(slab, NLMSG_HEADER, cn.id, cn.seq, cn.ack, payload.length, cn.flags);
  slab.bytes.set(payload, HEADERS);
  for (let at = length; at < end; at++) slab.bytes[at] = 0;
  return end;
}

/** What is wrong with the nlmsghdr at `at` and its first cn_msg, if anything. */
export function nlmsgMalformation(slab: Slab, at: number, end: number): Malformation | undefined {
  if (end - at < HEADERS) return 'short';
  const length = nlmsgLength(slab, at);
  if (length < HEADERS || length > end - at) return 'nlmsg-length';
  if (HEADERS + cnMsgLength(slab, at + NLMSG_HEADER) > length) return 'cn-length';
  return undefined;
}

/**
 * How many cn_msg stand between `at` and `end`. Whole cn_msg up to the end (less than one header of
 * padding aside) are a bundle; otherwise only the first counts, as for the kernel, which takes a
 * nlmsg_len that is too long.
 */
export function bundleCount(slab: Slab, at: number, end: number): number {
  let count = 0;
  let next = at;
  while (end - next >= CN_MSG_HEADER) {
    const length = cnMsgLength(slab, next);
    if (next + CN_MSG_HEADER + length > end) return 1;
    count += 1;
    next += CN_MSG_HEADER + align4(length);
  }
  return count;
}
