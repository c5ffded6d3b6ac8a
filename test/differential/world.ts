import { crc32 } from 'node:zlib';
import * as abi from '../../transport/simulated/connector/abi.ts';
import { named, type SocketCalls } from './kernel-socket.ts';
import { FIXED_PORTIDS, SLOTS, type AddressRef, type Operation } from './operation.ts';

/** One line of /proc/net/netlink. */
export interface Row {
  readonly protocol: number;
  readonly portid: number;
  readonly groups: number;
  readonly rmem: number;
  readonly drops: number;
}

/**
 * One kernel, real or simulated, with the sockets of a story. What it says of an operation has
 * nothing in it that may differ between two right kernels: portids that a kernel chose are named
 * by when they were first seen.
 */
export class World {
  readonly #open: (type: number, protocol: number) => SocketCalls | number;
  readonly #rows: () => readonly Row[];
  readonly #slots = new Array<SocketCalls | undefined>(SLOTS);
  readonly #names = new Map<number, string>([[0, 'kernel']]);
  #chosen = 0;

  constructor(
    open: (type: number, protocol: number) => SocketCalls | number,
    rows: () => readonly Row[],
  ) {
    this.#open = open;
    this.#rows = rows;
    FIXED_PORTIDS.forEach((portid, index) => this.#names.set(portid, `fixed ${index}`));
  }

  /** Carries out an operation; gives its result, and the state of all sockets after it. */
  perform(operation: Operation): string {
    const result = this.#call(operation);
    const states = this.#slots.map((socket) => {
      if (socket === undefined) return '-';
      return JSON.stringify(socket.getsockopt(abi.SOL_SOCKET, abi.SO_MEMINFO));
    });
    return `${result} | ${states.join(' ')}`;
  }

  /** Our lines of /proc/net/netlink. */
  rows(): string {
    return this.#rows()
      .filter(({ portid }) => portid !== 0 && this.#names.has(portid))
      .map(
        ({ protocol, portid, groups, rmem, drops }) =>
          `${protocol} ${this.#names.get(portid)} ${groups} ${rmem} ${drops}`,
      )
      .sort()
      .join('\n');
  }

  /** Whether there is nothing to read from the socket in a slot. */
  idle(slot: number): boolean {
    const socket = this.#slots[slot];
    return socket === undefined || (socket.poll() & (abi.POLLIN | abi.POLLERR)) === 0;
  }

  /** Closes everything. */
  end(): void {
    for (const socket of this.#slots) socket?.close();
    this.#slots.fill(undefined);
  }

  #call(operation: Operation): string {
    const { slot } = operation;
    if (operation.call === 'socket') {
      this.#slots[slot]?.close();
      const opened = this.#open(operation.type, operation.protocol);
      this.#slots[slot] = typeof opened === 'number' ? undefined : opened;
      return typeof opened === 'number' ? named(opened) : 'a socket';
    }
    const socket = this.#slots[slot];
    if (socket === undefined) return 'no socket';
    const result = this.#callOn(socket, operation);
    if (operation.call === 'close') this.#slots[slot] = undefined;
    else this.#learnName(socket);
    return result;
  }

  #callOn(socket: SocketCalls, operation: Exclude<Operation, { call: 'socket' }>): string {
    switch (operation.call) {
      case 'bind':
      case 'connect': {
        const { address } = operation;
        return named(socket[operation.call](this.#address(address), address.length));
      }
      case 'setsockopt': {
        const { level, name, value, length } = operation;
        return named(socket.setsockopt(level, name, value, length));
      }
      case 'getsockopt':
        return text(socket.getsockopt(operation.level, operation.name));
      case 'sendto': {
        const { flags, address, length, mark } = operation;
        const to = address && this.#address(address);
        return named(socket.sendto(payload(length, mark), flags, to, address?.length));
      }
      case 'recv':
        return this.#received(socket.recv(operation.length, operation.flags));
      case 'getsockname': {
        const name = socket.getsockname();
        if (typeof name === 'number') return named(name);
        this.#learnName(socket);
        return `${this.#names.get(name.nl_pid)} ${name.nl_groups}`;
      }
      default:
        return named(socket[operation.call]());
    }
  }

  #received(received: ReturnType<SocketCalls['recv']>): string {
    if (typeof received === 'number') return named(received);
    const { bytes, length, truncated, address, credentials, group } = received;
    const from = this.#names.get(address.nl_pid) ?? 'a stranger';
    const sum = crc32(bytes).toString(16);
    return JSON.stringify([
      bytes.length,
      sum,
      length,
      truncated,
      from,
      address.nl_groups,
      credentials,
      group,
    ]);
  }

  #address({ family, portid, groups }: AddressRef): {
    nl_family: number;
    nl_pid: number;
    nl_groups: number;
  } {
    let nl_pid = 0;
    if (portid.kind === 'fixed') nl_pid = FIXED_PORTIDS[portid.index]!;
    if (portid.kind === 'slot') {
      const name = this.#slots[portid.slot]?.getsockname();
      nl_pid = typeof name === 'object' ? name.nl_pid : 0;
    }
    return { nl_family: family, nl_pid, nl_groups: groups };
  }

  #learnName(socket: SocketCalls): void {
    const name = socket.getsockname();
    if (typeof name === 'number' || this.#names.has(name.nl_pid)) return;
    this.#chosen += 1;
    this.#names.set(name.nl_pid, `chosen ${this.#chosen}`);
  }
}

function text(value: readonly number[] | number): string {
  return typeof value === 'number' ? named(value) : JSON.stringify(value);
}

/** A netlink message of the connector that no agent knows, in lengths that are true or not. */
function payload(length: number, mark: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at++) bytes[at] = (mark * 31 + at * 7) & 0xff;
  const view = new DataView(bytes.buffer);
  if (length >= 4 && mark % 4 !== 0) view.setUint32(0, length, true);
  if (length >= 36) {
    view.setUint32(16, 0x5eed, true); // idx: nobody's
    view.setUint16(32, mark % 3 === 0 ? length : length - 36, true);
  }
  return bytes;
}
