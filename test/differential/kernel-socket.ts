import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { LITTLE_ENDIAN, Slab } from '../../core/slab.ts';
import { loadLibc, type Libc } from '../../transport/netlink/binding.ts';
import * as abi from '../../transport/simulated/connector/abi.ts';
import type { SimulatedSocket } from '../../transport/simulated/connector/kernel.ts';

/** The calls that both kernels are compared by. */
export type SocketCalls = Pick<
  SimulatedSocket,
  | 'bind'
  | 'getsockname'
  | 'connect'
  | 'setsockopt'
  | 'getsockopt'
  | 'sendto'
  | 'recv'
  | 'poll'
  | 'close'
>;

const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const MSG_DONTWAIT = 0x40;

/** The calls that the library itself has no use for. */
interface MoreLibc {
  connect(fd: number, address: number, length: number): number;
  recvmsg(fd: number, header: number, flags: number): number;
  poll(fds: number, count: number, timeout: number): number;
}

/** One block of memory for all calls; its places in bytes. */
const ADDRESS = 0;
const VALUE = 64;
const VALUE_LENGTH = 128;
const HEADER = 192;
const IOVEC = 256;
const CONTROL = 320;
const CONTROL_LENGTH = 128;
const NAME = 512;
const POLL = 576;
const DATA = 1024;
const DATA_LENGTH = 256 * 1024;

interface Kernel {
  readonly libc: Libc;
  readonly more: MoreLibc;
  readonly slab: Slab;
  readonly base: number;
}

let opened: Kernel | undefined;

/** This machine's kernel. Throws `unavailable` where there is no netlink to be had. */
function kernel(): Kernel {
  if (opened !== undefined) return opened;
  const libc = loadLibc();
  const koffi = createRequire(import.meta.url)('koffi') as {
    load(path: null): { func(name: string, result: string, types: string[]): unknown };
  };
  const library = koffi.load(null);
  const more = {
    connect: library.func('connect', 'int', ['int', 'uint64', 'uint32']),
    recvmsg: library.func('recvmsg', 'int64', ['int', 'uint64', 'int']),
    poll: library.func('poll', 'int', ['uint64', 'uint64', 'int']),
  } as MoreLibc;
  const slab = new Slab(DATA + DATA_LENGTH);
  opened = { libc, more, slab, base: libc.addressOf(slab.bytes) };
  return opened;
}

/** socket(2) on this machine's kernel, non-blocking; the socket, or minus an error number. */
export function openKernelSocket(type: number, protocol: number): SocketCalls | number {
  const { libc } = kernel();
  const fd = libc.socket(abi.AF_NETLINK, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
  return fd < 0 ? -libc.errno() : new KernelSocket(fd, kernel());
}

class KernelSocket implements SocketCalls {
  readonly #fd: number;
  readonly #kernel: Kernel;

  constructor(fd: number, opened: Kernel) {
    this.#fd = fd;
    this.#kernel = opened;
  }

  bind(address: Parameters<SocketCalls['bind']>[0], length = 12): number {
    this.#aim(address);
    const { libc, base } = this.#kernel;
    return this.#result(libc.bind(this.#fd, base + ADDRESS, length));
  }

  getsockname(): { nl_pid: number; nl_groups: number } | number {
    const { libc, base } = this.#kernel;
    this.#write(VALUE_LENGTH, 12);
    const result = libc.getsockname(this.#fd, base + VALUE, base + VALUE_LENGTH);
    if (result < 0) return this.#result(result);
    return { nl_pid: this.#read(VALUE + 4), nl_groups: this.#read(VALUE + 8) };
  }

  connect(address: Parameters<SocketCalls['connect']>[0], length = 12): number {
    this.#aim(address);
    const { more, base } = this.#kernel;
    return this.#result(more.connect(this.#fd, base + ADDRESS, length));
  }

  setsockopt(level: number, name: number, value: number, length = 4): number {
    const { libc, base } = this.#kernel;
    this.#write(VALUE, value >>> 0);
    return this.#result(libc.setsockopt(this.#fd, level, name, base + VALUE, length));
  }

  getsockopt(level: number, name: number): readonly number[] | number {
    const { libc, base } = this.#kernel;
    this.#write(VALUE_LENGTH, 64);
    const result = libc.getsockopt(this.#fd, level, name, base + VALUE, base + VALUE_LENGTH);
    if (result < 0) return this.#result(result);
    const words = this.#read(VALUE_LENGTH) / 4;
    return Array.from({ length: words }, (_, at) => this.#read(VALUE + 4 * at));
  }

  sendto(
    bytes: Uint8Array,
    flags = 0,
    address?: Parameters<SocketCalls['sendto']>[2],
    length = 12,
  ): number {
    const { libc, base, slab } = this.#kernel;
    slab.bytes.set(bytes, DATA);
    if (address !== undefined) this.#aim(address);
    const [name, nameLength] = address === undefined ? [0, 0] : [base + ADDRESS, length];
    return this.#result(
      libc.sendto(this.#fd, base + DATA, bytes.length, flags | MSG_DONTWAIT, name, nameLength),
    );
  }

  recv(length: number, flags = 0): ReturnType<SocketCalls['recv']> {
    const { more, base, slab } = this.#kernel;
    const set64 = (at: number, value: number): void =>
      slab.view.setBigUint64(at, BigInt(value), LITTLE_ENDIAN);
    set64(HEADER, base + NAME);
    set64(HEADER + 8, 12);
    set64(HEADER + 16, base + IOVEC);
    set64(HEADER + 24, 1);
    set64(HEADER + 32, base + CONTROL);
    set64(HEADER + 40, CONTROL_LENGTH);
    set64(HEADER + 48, 0);
    set64(IOVEC, base + DATA);
    set64(IOVEC + 8, length);
    const result = more.recvmsg(this.#fd, base + HEADER, flags | MSG_DONTWAIT);
    if (result < 0) return this.#result(result);
    const control = this.#control();
    return {
      bytes: slab.bytes.slice(DATA, DATA + Math.min(result, length)),
      length: result,
      truncated: (this.#read(HEADER + 48) & abi.MSG_TRUNC) !== 0,
      address: { nl_pid: this.#read(NAME + 4), nl_groups: this.#read(NAME + 8) },
      ...control,
    };
  }

  poll(): number {
    const { more, base, slab } = this.#kernel;
    slab.view.setInt32(POLL, this.#fd, LITTLE_ENDIAN);
    const asked = abi.POLLIN | abi.POLLOUT | abi.POLLERR;
    slab.view.setInt16(POLL + 4, asked, LITTLE_ENDIAN);
    slab.view.setInt16(POLL + 6, 0, LITTLE_ENDIAN);
    const result = more.poll(base + POLL, 1, 0);
    return result < 0 ? this.#result(result) : slab.view.getInt16(POLL + 6, LITTLE_ENDIAN);
  }

  close(): number {
    return this.#result(this.#kernel.libc.close(this.#fd));
  }

  /** SCM_CREDENTIALS and NETLINK_PKTINFO, as far as they came. */
  #control(): Pick<Exclude<ReturnType<SocketCalls['recv']>, number>, 'credentials' | 'group'> {
    const end = CONTROL + this.#read(HEADER + 40);
    let credentials;
    let group;
    for (let at = CONTROL; at + 16 <= end; at += (this.#read(at) + 7) & ~7) {
      const [level, type] = [this.#read(at + 8), this.#read(at + 12)];
      const word = (index: number): number => this.#read(at + 16 + 4 * index);
      if (level === abi.SOL_SOCKET) credentials = { pid: word(0), uid: word(1), gid: word(2) };
      if (level === abi.SOL_NETLINK && type === abi.NETLINK_PKTINFO) group = word(0);
    }
    return { credentials, group };
  }

  #aim({ nl_family = abi.AF_NETLINK, nl_pid, nl_groups }: Parameters<SocketCalls['bind']>[0]) {
    const { view } = this.#kernel.slab;
    view.setUint32(ADDRESS, 0, LITTLE_ENDIAN);
    view.setUint16(ADDRESS, nl_family, LITTLE_ENDIAN);
    this.#write(ADDRESS + 4, nl_pid);
    this.#write(ADDRESS + 8, nl_groups);
  }

  #read(at: number): number {
    return this.#kernel.slab.view.getUint32(at, LITTLE_ENDIAN);
  }

  #write(at: number, value: number): void {
    this.#kernel.slab.view.setUint32(at, value, LITTLE_ENDIAN);
  }

  #result(result: number): number {
    return result < 0 ? -this.#kernel.libc.errno() : result;
  }
}

/** The error numbers' names, for readable differences. */
export function named(result: number): string {
  if (result >= 0) return String(result);
  const entry = Object.entries(constants.errno).find(([, value]) => value === -result);
  return `-${entry?.[0] ?? -result}`;
}
