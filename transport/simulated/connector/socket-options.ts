import * as abi from './abi.ts';
import { errnos } from './errno.ts';
import { GROUPS } from './family.ts';
import type { NetlinkSock } from './netlink-sock.ts';

/** The least that a buffer can be set to (KF §6.1). */
const RECEIVE_MIN = 2304;
const SEND_MIN = 4608;
const INT = 4;

/** Sets an option of `length` bytes, an int; gives 0 or minus an error number. */
export function setOption(
  sock: NetlinkSock,
  level: number,
  name: number,
  value: number,
  length: number,
): number {
  if (level === abi.SOL_SOCKET) {
    return length < INT ? -errnos.EINVAL : setSocketOption(sock, name, value);
  }
  if (level !== abi.SOL_NETLINK) return -errnos.ENOPROTOOPT;
  // What is shorter than an int counts as 0, which is no group: hence EINVAL (KF §5).
  return setNetlinkOption(sock, name, length < INT ? 0 : value);
}

function setSocketOption(sock: NetlinkSock, name: number, value: number): number {
  const { receiveMax, sendMax } = sock.family.machine.buffers;
  switch (name) {
    case abi.SO_RCVBUF:
      sock.queue.limit = doubled(Math.min(value >>> 0, receiveMax), RECEIVE_MIN);
      sock.admit();
      return 0;
    case abi.SO_RCVBUFFORCE:
      // This one wants the right of the first user namespace, whatever the network namespace.
      if (!sock.process.netAdmin || !sock.process.initNamespaces) return -errnos.EPERM;
      sock.queue.limit = doubled(Math.max(value, 0), RECEIVE_MIN);
      sock.admit();
      return 0;
    case abi.SO_SNDBUF:
      sock.sendBuffer = doubled(Math.min(value >>> 0, sendMax), SEND_MIN);
      return 0;
    case abi.SO_PASSCRED:
      sock.passCredentials = value !== 0;
      return 0;
    default:
      return -errnos.ENOPROTOOPT;
  }
}

function doubled(value: number, least: number): number {
  return Math.max(Math.min(value, 0x3fff_ffff) * 2, least);
}

function setNetlinkOption(sock: NetlinkSock, name: number, value: number): number {
  switch (name) {
    case abi.NETLINK_ADD_MEMBERSHIP:
    case abi.NETLINK_DROP_MEMBERSHIP:
      return setMembership(sock, value, name === abi.NETLINK_ADD_MEMBERSHIP);
    case abi.NETLINK_PKTINFO:
      sock.packetInfo = value !== 0;
      return 0;
    case abi.NETLINK_BROADCAST_ERROR:
      sock.broadcastError = value !== 0;
      return 0;
    case abi.NETLINK_NO_ENOBUFS:
      sock.queue.noEnobufs = value !== 0;
      sock.admit();
      return 0;
    default:
      return -errnos.ENOPROTOOPT;
  }
}

/** By number, not by bit; there are 32, and the error beyond is EINVAL (KF §5). */
function setMembership(sock: NetlinkSock, group: number, member: boolean): number {
  const { family, process } = sock;
  if (!family.rules.mayJoin(process)) return -errnos.EPERM;
  sock.grouped = true;
  if (group < 1 || group > GROUPS) return -errnos.EINVAL;
  if (member && !family.rules.mayBind(process, group)) return -errnos.EPERM;
  const bit = 1 << (group - 1);
  family.subscribe(sock, member ? sock.groups | bit : sock.groups & ~bit);
  return 0;
}

/** Reads an option: its words, or minus an error number. */
export function getOption(
  sock: NetlinkSock,
  level: number,
  name: number,
): readonly number[] | number {
  const { queue, sendBuffer } = sock;
  if (level === abi.SOL_SOCKET) {
    switch (name) {
      case abi.SO_ERROR:
        return [queue.takeError() ? errnos.ENOBUFS : 0];
      case abi.SO_RCVBUF:
        return [queue.limit];
      case abi.SO_SNDBUF:
        return [sendBuffer];
      case abi.SO_PASSCRED:
        return [Number(sock.passCredentials)];
      case abi.SO_MEMINFO: // rmem, rcvbuf, wmem, sndbuf, five that netlink leaves 0 but the last
        return [queue.charge, queue.limit, 0, sendBuffer, 0, 0, 0, 0, queue.drops];
      default:
        return -errnos.ENOPROTOOPT;
    }
  }
  if (level !== abi.SOL_NETLINK) return -errnos.ENOPROTOOPT;
  switch (name) {
    case abi.NETLINK_PKTINFO:
      return [Number(sock.packetInfo)];
    case abi.NETLINK_BROADCAST_ERROR:
      return [Number(sock.broadcastError)];
    case abi.NETLINK_NO_ENOBUFS:
      return [Number(queue.noEnobufs)];
    case abi.NETLINK_LIST_MEMBERSHIPS:
      return sock.grouped ? [sock.groups] : [];
    default:
      return -errnos.ENOPROTOOPT;
  }
}
