import { Slab } from '../../../core/slab.ts';
import type { Credentials } from '../../transport.ts';
import { truesize } from '../../truesize.ts';
import { PARCEL_START, type Parcel } from '../parcel.ts';
import * as abi from './abi.ts';
import { errnos } from './errno.ts';
import type { Family } from './family.ts';
import { NetlinkSock } from './netlink-sock.ts';
import type { SimulatedProcess } from './process.ts';
import { getOption, setOption } from './socket-options.ts';

/** `struct sockaddr_nl`. */
export interface SockaddrNl {
  /** AF_NETLINK by default. */
  readonly nl_family?: number;
  /** A portid; 0 is the kernel, or to bind "choose one". */
  readonly nl_pid: number;
  /** A bit mask: bit g - 1 is group g (KF §5). */
  readonly nl_groups: number;
}

/** sizeof(struct sockaddr_nl). */
const SOCKADDR_NL = 12;

/** What a receive call gives. */
export interface Received {
  /** As many bytes of the datagram as there was room for. */
  readonly bytes: Uint8Array;
  /** What the call returns: with MSG_TRUNC in its flags the whole length. */
  readonly length: number;
  /** MSG_TRUNC is set in msg_flags: the rest is gone. */
  readonly truncated: boolean;
  readonly address: { readonly nl_pid: number; readonly nl_groups: number };
  /** SCM_CREDENTIALS, if SO_PASSCRED is set: the kernel's word on who sent it. */
  readonly credentials: Credentials | undefined;
  /** The group of NETLINK_PKTINFO, if that is set. */
  readonly group: number | undefined;
}

/** What the kernel keeps of SO_SNDBUF for itself (KF §1.4). */
const SEND_OVERHEAD = 32;

/**
 * A netlink socket as a process sees it: the system calls by their own names. Each gives what the
 * real one returns, or minus an error number. All are non-blocking: where the real kernel could let
 * the caller wait, they give -EAGAIN.
 */
export class SimulatedSocket {
  readonly #sock: NetlinkSock;
  readonly #closed: () => void;
  #open = true;

  /** Made by `SimulatedProcess.socket`. */
  constructor(family: Family, process: SimulatedProcess, closed: () => void) {
    this.#sock = new NetlinkSock(family, process);
    this.#closed = closed;
  }

  /**
   * bind(2). Sets the low 32 groups; a portid once bound cannot be changed, not even to 0 (KF §5).
   */
  bind(address: SockaddrNl, length: number = SOCKADDR_NL): number {
    if (!this.#ready()) return -errnos.EBADF;
    const sock = this.#sock;
    const { family, process } = sock;
    const { nl_family = abi.AF_NETLINK, nl_pid, nl_groups } = address;
    if (length < SOCKADDR_NL || nl_family !== abi.AF_NETLINK) return -errnos.EINVAL;
    if (nl_groups !== 0) {
      if (!family.rules.mayJoin(process)) return -errnos.EPERM;
      sock.grouped = true;
    }
    if (sock.bound && nl_pid !== sock.portid) return -errnos.EINVAL;
    for (let group = 1; group <= 32; group++) {
      const wanted = ((nl_groups >>> (group - 1)) & 1) === 1;
      if (wanted && !family.rules.mayBind(process, group)) return -errnos.EPERM;
    }
    if (!sock.bound && nl_pid === 0) family.autobind(sock);
    else if (!sock.bound && family.insert(sock, nl_pid) !== 0) return -errnos.EADDRINUSE;
    family.subscribe(sock, nl_groups);
    return 0;
  }

  /** getsockname(2). */
  getsockname(): { readonly nl_pid: number; readonly nl_groups: number } | number {
    if (!this.#ready()) return -errnos.EBADF;
    return { nl_pid: this.#sock.portid, nl_groups: this.#sock.groups };
  }

  /** connect(2): where sends go, and the only portid that may send to us by unicast (KF §8.7). */
  connect(address: SockaddrNl, length: number = SOCKADDR_NL): number {
    if (!this.#ready()) return -errnos.EBADF;
    const sock = this.#sock;
    const { nl_family = abi.AF_NETLINK, nl_pid, nl_groups } = address;
    if (nl_family === abi.AF_UNSPEC) {
      sock.destination = undefined;
      return 0;
    }
    if (nl_family !== abi.AF_NETLINK || length < SOCKADDR_NL) return -errnos.EINVAL;
    const group = lowest(nl_groups);
    if (!this.#maySend(nl_pid, group)) return -errnos.EPERM;
    if (!sock.bound) sock.family.autobind(sock);
    sock.destination = { portid: nl_pid, group };
    return 0;
  }

  /** setsockopt(2) with an int, or with the first `length` bytes of one. */
  setsockopt(level: number, name: number, value: number, length = 4): number {
    if (!this.#ready()) return -errnos.EBADF;
    return setOption(this.#sock, level, name, value, length);
  }

  /** getsockopt(2): the words of the value. */
  getsockopt(level: number, name: number): readonly number[] | number {
    if (!this.#ready()) return -errnos.EBADF;
    return getOption(this.#sock, level, name);
  }

  /**
   * sendto(2). To portid 0 of the connector the agent's callback runs inside, on a kernel that
   * dispatches so (KF §2.3). To a group: its result is that of the unicast that follows (KF §6.6).
   */
  sendto(bytes: Uint8Array, flags = 0, address?: SockaddrNl, length: number = SOCKADDR_NL): number {
    if (!this.#ready()) return -errnos.EBADF;
    const sock = this.#sock;
    const { family, process } = sock;
    const { machine } = family;
    // The order of the checks is the kernel's (KF §1.4).
    if ((flags & abi.MSG_OOB) !== 0) return -errnos.EOPNOTSUPP;
    if (bytes.length === 0) return -errnos.ENODATA;
    let { portid, group } = sock.destination ?? { portid: 0, group: 0 };
    if (address !== undefined && length !== 0) {
      const { nl_family = abi.AF_NETLINK, nl_pid, nl_groups } = address;
      if (length < SOCKADDR_NL || nl_family !== abi.AF_NETLINK) return -errnos.EINVAL;
      portid = nl_pid;
      group = lowest(nl_groups);
      if (!this.#maySend(portid, group)) return -errnos.EPERM;
    }
    if (!sock.bound) family.autobind(sock);
    if (bytes.length > sock.sendBuffer - SEND_OVERHEAD) return -errnos.EMSGSIZE;
    if (!machine.allocates('GFP_KERNEL')) return -errnos.ENOBUFS;
    const parcel = this.#parcel(bytes, group);
    const outer = machine.running;
    machine.running = process;
    try {
      if (group !== 0) family.broadcast(parcel, portid, sock, 'GFP_KERNEL');
      return family.unicast(parcel, portid, sock, false);
    } finally {
      machine.running = outer;
    }
  }

  /**
   * recvmsg(2) into `length` bytes: a datagram, or -EAGAIN, or -ENOBUFS once after an overrun,
   * before the datagrams that survived (KF §6.2).
   */
  recv(length: number, flags = 0): Received | number {
    if (!this.#ready()) return -errnos.EBADF;
    if ((flags & abi.MSG_OOB) !== 0) return -errnos.EOPNOTSUPP;
    const { packetInfo, passCredentials } = this.#sock;
    const parcel = this.#sock.receive((flags & abi.MSG_PEEK) !== 0);
    if (parcel === undefined) return -errnos.EAGAIN;
    if (parcel === 'overrun') return -errnos.ENOBUFS;
    const copied = Math.min(length, parcel.length);
    return {
      bytes: parcel.slab.bytes.slice(PARCEL_START, PARCEL_START + copied),
      length: (flags & abi.MSG_TRUNC) === 0 ? copied : parcel.length,
      truncated: copied < parcel.length,
      address: { nl_pid: parcel.from, nl_groups: mask(parcel.group) },
      credentials: passCredentials ? parcel.credentials : undefined,
      group: packetInfo ? parcel.group : undefined,
    };
  }

  /** poll(2): POLLIN, POLLOUT and POLLERR as far as they hold now. */
  poll(): number {
    if (!this.#ready()) return -errnos.EBADF;
    const { queue } = this.#sock;
    return abi.POLLOUT | (queue.empty ? 0 : abi.POLLIN) | (queue.error ? abi.POLLERR : 0);
  }

  /** Calls back when there may be something to read, inside of whatever brings it. */
  watch(ready: () => void): void {
    this.#sock.watcher = ready;
  }

  /** For a transport: one recvmsg without a copy. */
  take(): Parcel | 'overrun' | undefined {
    return this.#open ? this.#sock.receive(false) : undefined;
  }

  /** For a transport: whether `take` would give something. */
  get readable(): boolean {
    return this.#open && !this.#sock.process.hung && this.#sock.queue.readable;
  }

  /** SO_MEMINFO's counter, also after `close`. */
  get drops(): number {
    return this.#sock.queue.drops;
  }

  /** For the process: it runs again. */
  wake(): void {
    this.#sock.watcher?.();
  }

  /** close(2). */
  close(): number {
    if (!this.#open) return -errnos.EBADF;
    this.#open = false;
    this.#sock.close();
    this.#closed();
    return 0;
  }

  #ready(): boolean {
    this.#sock.process.requireRunning();
    return this.#open;
  }

  #maySend(portid: number, group: number): boolean {
    if (portid === 0 && group === 0) return true; // to the kernel anybody may (KF §1.5)
    return this.#sock.family.rules.maySend(this.#sock.process, group);
  }

  #parcel(bytes: Uint8Array, group: number): Parcel {
    const parcel = this.#sock.family.machine.pool.take(new Slab(bytes), 0, bytes.length);
    parcel.from = this.#sock.portid;
    parcel.group = group;
    parcel.credentials = this.#sock.process.credentials;
    // One datagram for both ways: to a group it was allocated as a broadcast is (KF §6.1).
    parcel.charge = truesize(bytes.length, group === 0);
    return parcel;
  }
}

/** The one group that counts of several: the lowest bit (ffs), 0 if there is none (KF §5). */
function lowest(groups: number): number {
  return groups === 0 ? 0 : 32 - Math.clz32(groups & -groups);
}

function mask(group: number): number {
  return group >= 1 && group <= 32 ? (1 << (group - 1)) >>> 0 : 0;
}
