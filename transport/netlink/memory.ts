import { LITTLE_ENDIAN, Slab } from '../../core/slab.ts';

/** Datagrams that one system call may fetch. */
export const BATCH = 64;
/**
 * Bytes of one receive slot. The longest that the kernel's connector sends is 65,571 (real-kernel
 * §5) padded to 4; the rest moves neighbouring slots 128 bytes apart modulo the page, so that the
 * heads of small datagrams do not all fall into the same lines of the cache. Only slots that are
 * used cost memory: the kernel gives the pages when they are first written.
 */
export const SLOT = 65_664;

const AF_NETLINK = 16;
const SOL_SOCKET = 1;
const SCM_CREDENTIALS = 2;
/** CMSG_LEN(struct ucred). */
const CREDENTIALS_LENGTH = 28;

/** The block in bytes: what the kernel is pointed to first, then the slots. 64-bit structures. */
const HEADER = 64; // struct mmsghdr
const HEADERS = 0;
const IOVEC = 16;
const IOVECS = HEADERS + BATCH * HEADER;
const NAME = 16; // struct sockaddr_nl is 12: family u16, pad, nl_pid u32, nl_groups u32
const NAMES = IOVECS + BATCH * IOVEC;
const CONTROL = 32; // CMSG_SPACE(struct ucred): length u64, level, type, pid, uid, gid
const CONTROLS = NAMES + BATCH * NAME;
const ADDRESS = CONTROLS + BATCH * CONTROL;
const VALUE = ADDRESS + NAME;
const VALUE_LENGTH = VALUE + 40; // SO_MEMINFO, the longest value, has 36
const SLOTS = VALUE + 48;

/** The same in words. `msg_controllen` is a size_t of which only the low half is ever used. */
const HEADER_W = HEADER / 4;
const CONTROLLEN_W = 40 / 4 + (LITTLE_ENDIAN ? 0 : 1);
const LENGTH_W = 56 / 4;
const NAMES_W = NAMES / 4;
const NAME_W = NAME / 4;
const CONTROLS_W = CONTROLS / 4;
const CONTROL_W = CONTROL / 4;
const ADDRESS_W = ADDRESS / 4;
const VALUE_W = VALUE / 4;
const VALUE_LENGTH_W = VALUE_LENGTH / 4;

/** The length of `struct sockaddr_nl`. */
export const ADDRESS_LENGTH = 12;

/** A sender's credentials, to be written in place. */
export interface MutableCredentials {
  pid: number;
  uid: number;
  gid: number;
}

/**
 * All memory that the kernel reads or writes for one socket: one ArrayBuffer, whose address is
 * asked for once, so that a call passes plain numbers (native-io §1), read through one Uint32Array.
 */
export class SocketMemory {
  /** The receive slots: the datagram in slot `i` begins at `i * SLOT`. */
  readonly slots: Slab;
  /** The kernel's addresses of the address, the option value and its length. */
  readonly address: number;
  readonly value: number;
  readonly valueLength: number;
  readonly #base: number;
  readonly #words: Uint32Array;

  constructor(addressOf: (bytes: Uint8Array) => number) {
    const bytes = new Uint8Array(SLOTS + BATCH * SLOT);
    this.#base = addressOf(bytes);
    this.#words = new Uint32Array(bytes.buffer);
    this.slots = new Slab(bytes.subarray(SLOTS));
    this.address = this.#base + ADDRESS;
    this.value = this.#base + VALUE;
    this.valueLength = this.#base + VALUE_LENGTH;
    const view = new DataView(bytes.buffer);
    const set64 = (at: number, value: number): void =>
      view.setBigUint64(at, BigInt(value), LITTLE_ENDIAN);
    for (let i = 0; i < BATCH; i++) {
      const header = HEADERS + i * HEADER;
      set64(header, this.#base + NAMES + i * NAME);
      view.setUint32(header + 8, ADDRESS_LENGTH, LITTLE_ENDIAN);
      set64(header + 16, this.#base + IOVECS + i * IOVEC);
      set64(header + 24, 1);
      set64(header + 32, this.#base + CONTROLS + i * CONTROL);
      set64(header + 40, CONTROL);
      set64(IOVECS + i * IOVEC, this.#base + SLOTS + i * SLOT);
      set64(IOVECS + i * IOVEC + 8, SLOT);
    }
    view.setUint16(ADDRESS, AF_NETLINK, LITTLE_ENDIAN);
  }

  /** Writes the address to bind or send to. */
  aim(portid: number, groups: number): void {
    this.#words[ADDRESS_W + 1] = portid;
    this.#words[ADDRESS_W + 2] = groups;
  }

  /** Word `index` of the option value. */
  read(index: number): number {
    return this.#words[VALUE_W + index] ?? 0;
  }

  /** Writes the option value, or how many bytes the kernel may write there. */
  write(value: number, length: number): void {
    this.#words[VALUE_W] = value;
    this.#words[VALUE_LENGTH_W] = length;
  }

  /**
   * The kernel's address of header `index`. The header needs no preparing: what the kernel writes
   * back as used of the address and the control area is what it was given, because every datagram
   * fills both.
   */
  header(index: number): number {
    return this.#base + HEADERS + index * HEADER;
  }

  /** The length as sent of the datagram in a slot; above `SLOT` if only its beginning fits. */
  length(slot: number): number {
    return this.#words[slot * HEADER_W + LENGTH_W] ?? 0;
  }

  /** The portid that the datagram in a slot came from: the kernel's word, not the header's. */
  sender(slot: number): number {
    return this.#words[NAMES_W + slot * NAME_W + 1] ?? 0;
  }

  /** The group that the datagram in a slot was sent to, 0 for unicast; there are 32 (KF §5). */
  group(slot: number): number {
    return 32 - Math.clz32(this.#words[NAMES_W + slot * NAME_W + 2] ?? 0);
  }

  /** Writes the sender's credentials; false if the kernel gave none. */
  credentials(slot: number, into: MutableCredentials): boolean {
    const words = this.#words;
    const at = CONTROLS_W + slot * CONTROL_W;
    const used = words[slot * HEADER_W + CONTROLLEN_W] ?? 0;
    const named = words[at + 2] === SOL_SOCKET && words[at + 3] === SCM_CREDENTIALS;
    if (used < CREDENTIALS_LENGTH || !named) return false;
    into.pid = words[at + 4] ?? 0;
    into.uid = words[at + 5] ?? 0;
    into.gid = words[at + 6] ?? 0;
    return true;
  }
}
