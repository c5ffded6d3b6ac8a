import type { ConnectorId } from '../../../core/id.ts';
import { align4, Slab } from '../../../core/slab.ts';
import { CN_MSG_HEADER, readCnMsg, writeCnMsg } from '../../wire/cnmsg.ts';
import { NLMSG_HEADER, nlmsgLength, writeNlmsg } from '../../wire/nlmsg.ts';
import type { Release } from './release.ts';

/** A `struct cn_msg` as an agent's callback gets it. */
export interface CnMsg {
  readonly id: ConnectorId;
  readonly seq: number;
  readonly ack: number;
  /** As the sender states it; an old kernel does not compare it with what came (KF §1.4). */
  readonly len: number;
  readonly flags: number;
  readonly data: Uint8Array;
}

/** A `struct cn_msg` as an agent sends it. */
export interface OutgoingCnMsg {
  readonly id: ConnectorId;
  readonly seq: number;
  readonly ack: number;
  /** 0 by default. */
  readonly flags?: number;
  /** Nothing by default. */
  readonly data?: Uint8Array;
  /** cn_msg.len, where it is to lie; else the length of `data`. */
  readonly len?: number;
}

const HEADERS = NLMSG_HEADER + CN_MSG_HEADER;
/** More than any datagram between the two can be: cn_msg.len has 16 bits. */
const DATA_MAX = 0xffff;

/**
 * Reads the first cn_msg of the first nlmsghdr of slab[start, start + length), the only one that
 * the connector looks at. Undefined where cn_rx_skb drops the datagram without a word (KF §1.4).
 */
export function parseRequest(
  slab: Slab,
  start: number,
  length: number,
  release: Release,
): CnMsg | undefined {
  if (length < NLMSG_HEADER) return undefined;
  const stated = nlmsgLength(slab, start);
  const { checksLength, messageMax } = release;
  const least = checksLength ? HEADERS : CN_MSG_HEADER;
  const most = checksLength ? NLMSG_HEADER + messageMax : messageMax;
  if (stated < least || stated > length || stated > most) return undefined;
  // Where nlmsg_len may be short of a cn_msg, the kernel reads on; here that memory is zeros.
  const bytes = new Uint8Array(Math.max(length, HEADERS));
  bytes.set(slab.bytes.subarray(start, start + length));
  const cn = readCnMsg(new Slab(bytes), NLMSG_HEADER);
  if (checksLength && HEADERS + cn.length > stated) return undefined;
  const data = bytes.subarray(HEADERS, HEADERS + cn.length);
  return { id: cn.id, seq: cn.seq, ack: cn.ack, len: cn.length, flags: cn.flags, data };
}

/**
 * Writes one nlmsghdr with all messages in it, each aligned to 4, as cn_netlink_send_mult does
 * (KF §1.2). Undefined for what no datagram of the connector can hold.
 */
export function packMessages(
  messages: readonly OutgoingCnMsg[],
  padded: boolean,
): Slab | undefined {
  let [end, length] = [NLMSG_HEADER, NLMSG_HEADER];
  for (const { data } of messages) {
    length = end + CN_MSG_HEADER + (data?.length ?? 0);
    end = align4(length);
  }
  if (messages.length === 0 || length - HEADERS > DATA_MAX) return undefined;
  const slab = new Slab(end);
  writeNlmsg(slab, 0, padded ? end : length, messages[0]!.seq);
  let at = NLMSG_HEADER;
  for (const { id, seq, ack, flags = 0, data = new Uint8Array(0), len = data.length } of messages) {
    writeCnMsg(slab, at, id, seq, ack, len, flags);
    slab.bytes.set(data, at + CN_MSG_HEADER);
    at += CN_MSG_HEADER + align4(data.length);
  }
  return slab;
}
