import { ConnectorError } from '../../core/errors.ts';
import type { Slab } from '../../core/slab.ts';
import { errnoName, errnos, loadLibc } from './binding.ts';
import type { Libc, Watch } from './binding.ts';
import { ADDRESS_LENGTH, BATCH, SocketMemory } from './memory.ts';

const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const MSG_TRUNC = 0x20;
const MSG_DONTWAIT = 0x40;
const SOL_SOCKET = 1;
const SO_SNDBUF = 7;
const SO_RCVBUF = 8;
/** The one option here that PowerPC numbers differently. */
const SO_PASSCRED = process.arch === 'ppc64' ? 20 : 16;
const SO_MEMINFO = 55;
/** Of the u32[9] that SO_MEMINFO gives: the drop counter (KF §6.4). */
const MEMINFO_DROPS = 8;
/** What the kernel keeps of SO_SNDBUF for itself (KF §1.4). */
const SEND_OVERHEAD = 32;
const SOL_NETLINK = 270;
const NETLINK_ADD_MEMBERSHIP = 1;
const NETLINK_DROP_MEMBERSHIP = 2;
const NETLINK_NO_ENOBUFS = 5;

/** Says what socket to make. */
export interface SocketOptions {
  /** NETLINK_USERSOCK is 2, NETLINK_CONNECTOR 11. */
  readonly protocol: number;
  /** 0 lets the kernel choose. */
  readonly portid: number;
  /** For SO_RCVBUF; values above the system's rmem_max are cut without a word. */
  readonly receiveBuffer: number | undefined;
}

/**
 * One non-blocking netlink socket: the system calls, and nothing of what they are used for. Opening
 * throws; `membership`, `send` and `receive` give error numbers, 0 being success.
 */
export class NetlinkSocket {
  readonly memory: SocketMemory;
  readonly portid: number;
  /** What getsockopt(SO_RCVBUF) reports: twice what was asked for, at least 2304 (KF §6.1). */
  readonly receiveBuffer: number;
  /** The longest datagram that can be sent (KF §1.4). */
  readonly sendMax: number;
  readonly #libc: Libc;
  readonly #fd: number;
  /** Addresses of slabs sent from. To ask koffi costs 50 ns, to remember the last one 2 ns. */
  readonly #addresses = new WeakMap<Slab, number>();
  #lastSlab: Slab | undefined;
  #lastAddress = 0;

  /** Throws `unavailable`, or `busy` if the portid is taken. */
  constructor(options: SocketOptions) {
    this.#libc = loadLibc();
    this.memory = new SocketMemory(this.#libc.addressOf);
    const type = SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK;
    this.#fd = this.#libc.socket(AF_NETLINK, type, options.protocol);
    if (this.#fd < 0) throw refusal('socket', this.#libc.errno(), options);
    try {
      this.#configure(options);
      this.portid = this.#bind(options);
      this.receiveBuffer = this.#option(SO_RCVBUF, 1);
      this.sendMax = this.#option(SO_SNDBUF, 1) - SEND_OVERHEAD;
    } catch (error) {
      this.close();
      throw error;
    }
  }

  #configure(options: SocketOptions): void {
    const { receiveBuffer } = options;
    let errno = receiveBuffer === undefined ? 0 : this.#set(SOL_SOCKET, SO_RCVBUF, receiveBuffer);
    // Without this the first overrun makes the socket deaf until drained (KF §6.2) and ends
    // libuv's watch (KF §8.6). The drop counter tells the same, and how many were lost (KF §6.3).
    errno ||= this.#set(SOL_NETLINK, NETLINK_NO_ENOBUFS, 1);
    errno ||= this.#set(SOL_SOCKET, SO_PASSCRED, 1);
    if (errno !== 0) throw refusal('setsockopt', errno, options);
  }

  #bind(options: SocketOptions): number {
    const { address, value, valueLength } = this.memory;
    this.memory.aim(options.portid, 0);
    if (this.#libc.bind(this.#fd, address, ADDRESS_LENGTH) < 0) {
      throw refusal('bind', this.#libc.errno(), options);
    }
    this.memory.write(0, ADDRESS_LENGTH);
    if (this.#libc.getsockname(this.#fd, value, valueLength) < 0) {
      throw refusal('getsockname', this.#libc.errno(), options);
    }
    return this.memory.read(1);
  }

  #set(level: number, name: number, value: number): number {
    this.memory.write(value, 0);
    const result = this.#libc.setsockopt(this.#fd, level, name, this.memory.value, 4);
    return result < 0 ? this.#libc.errno() : 0;
  }

  /** The last word of a socket option of `words` words. */
  #option(name: number, words: number): number {
    const { value, valueLength } = this.memory;
    this.memory.write(0, words * 4);
    const result = this.#libc.getsockopt(this.#fd, SOL_SOCKET, name, value, valueLength);
    return result < 0 ? 0 : this.memory.read(words - 1);
  }

  /** Joins or leaves a group, by number and not by bit (KF §5). */
  membership(group: number, member: boolean): number {
    return this.#set(SOL_NETLINK, member ? NETLINK_ADD_MEMBERSHIP : NETLINK_DROP_MEMBERSHIP, group);
  }

  /** How many datagrams this socket has lost so far: exact, never reset (KF §6.4). */
  drops(): number {
    return this.#option(SO_MEMINFO, MEMINFO_DROPS + 1);
  }

  /** Sends slab[start, end) to a portid and to a set of groups (one bit). */
  send(slab: Slab, start: number, end: number, portid: number, groups: number): number {
    const { memory } = this;
    // A socket that is not connected sends to the kernel without an address, 0.2 us sooner.
    const kernel = portid === 0 && groups === 0;
    if (!kernel) memory.aim(portid, groups);
    const data = this.#addressOf(slab) + start;
    for (;;) {
      const result = this.#libc.sendto(
        this.#fd,
        data,
        end - start,
        MSG_DONTWAIT,
        kernel ? 0 : memory.address,
        kernel ? 0 : ADDRESS_LENGTH,
      );
      if (result >= 0) return 0;
      const errno = this.#libc.errno();
      if (errno !== errnos.EINTR) return errno;
    }
  }

  #addressOf(slab: Slab): number {
    if (slab !== this.#lastSlab) {
      let address = this.#addresses.get(slab);
      if (address === undefined) {
        address = this.#libc.addressOf(slab.bytes);
        this.#addresses.set(slab, address);
      }
      this.#lastSlab = slab;
      this.#lastAddress = address;
    }
    return this.#lastAddress;
  }

  /**
   * Fetches datagrams into the slots from `first` on, as many as wait and fit. Returns their
   * number, or minus an error number (EAGAIN: none waits).
   */
  receive(first: number): number {
    const headers = this.memory.header(first);
    for (;;) {
      const flags = MSG_DONTWAIT | MSG_TRUNC;
      const count = this.#libc.recvmmsg(this.#fd, headers, BATCH - first, flags, 0);
      if (count >= 0) return count;
      const errno = this.#libc.errno();
      if (errno !== errnos.EINTR) return -errno;
    }
  }

  /** Calls back on the event loop while datagrams wait. To be closed before the socket is. */
  watch(ready: (status: number) => void): Watch {
    return this.#libc.watch(this.#fd, ready);
  }

  close(): void {
    this.#libc.close(this.#fd);
  }
}

/** What to tell a user whose socket cannot be had. */
function refusal(call: string, errno: number, options: SocketOptions): ConnectorError {
  const failed = `${call}() for netlink family ${options.protocol}: ${errnoName(errno)}`;
  switch (errno) {
    case errnos.EADDRINUSE:
      return new ConnectorError(
        'busy',
        `portid ${options.portid} is bound by another socket (see /proc/net/netlink); ` +
          'close that one or choose another portid',
      );
    case errnos.EPROTONOSUPPORT:
    case errnos.EAFNOSUPPORT:
      return new ConnectorError(
        'unavailable',
        `${failed}; this kernel or sandbox has no such family (connector: CONFIG_CONNECTOR)`,
      );
    case errnos.EPERM:
    case errnos.EACCES:
      return new ConnectorError(
        'unavailable',
        `${failed}; a security policy (seccomp, SELinux or the container's) forbids it`,
      );
    default:
      return new ConnectorError('unavailable', failed);
  }
}
