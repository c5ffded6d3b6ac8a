import { ConnectorError, required } from '../../../core/errors.ts';
import type { ConnectorId } from '../../../core/id.ts';
import type { Slab } from '../../../core/slab.ts';
import { portidOf } from '../../portid.ts';
import type { SendOutcome, Sink, Traits, Transport } from '../../transport.ts';
import { truesize } from '../../truesize.ts';
import { requireGroup, requireRange } from '../misuse.ts';
import type { Parcel } from '../parcel.ts';
import { Reader } from '../reader.ts';
import * as abi from './abi.ts';
import { errnos } from './errno.ts';
import type { SimulatedProcess } from './process.ts';
import type { SimulatedSocket } from './socket.ts';

/** As on real netlink: with the kernel's book-keeping that fills 64 KiB (KF §6.1). */
const USERSOCK_MAX = 65_216;
/** Datagrams taken out of the way of an agent's answer before a send, as netlink's inbox does. */
const DRAINED_MAX = 64;

/** Tells `openSimulatedNetlink` what to bind; as `NetlinkOptions` does on a real kernel. */
export interface SimulatedNetlinkOptions {
  /** `connector` by default: requests go to peer 0, and only the kernel is believed. */
  readonly protocol?: 'usersock' | 'connector';
  /** 0, the default: the kernel chooses. */
  readonly portid?: number;
  /** As given to SO_RCVBUF, which doubles it and makes it at least 2304. */
  readonly receiveBuffer?: number;
  readonly groups?: readonly number[];
  /** NETLINK_NO_ENOBUFS; true by default. */
  readonly noEnobufs?: boolean;
  /** How long after a datagram's arrival at an empty queue its reader runs; 0 by default. */
  readonly readDelayMs?: number;
}

/** A process's netlink socket as a transport, in virtual time. */
export interface SimulatedNetlink extends Transport {
  /** The receive queue's drop counter (KF §6.4). */
  readonly drops: number;
  /** On `connector`: datagrams dropped because the kernel did not send them (semantics 20). */
  readonly foreign: number;
}

/**
 * Opens a socket of a simulated process as `openNetlink` does on a real kernel, so that an endpoint
 * talks to simulated agents. Throws `ConnectorError`: `busy` (portid taken), `refused` (no right
 * to join a group), `unavailable` (no such family), `invalid-argument`.
 */
export function openSimulatedNetlink(
  process: SimulatedProcess,
  wanted: SimulatedNetlinkOptions = {},
): SimulatedNetlink {
  const { protocol = 'connector', portid = 0, receiveBuffer, groups = [] } = wanted;
  const kernel = protocol === 'connector';
  const socket = process.socket(
    abi.SOCK_RAW,
    kernel ? abi.NETLINK_CONNECTOR : abi.NETLINK_USERSOCK,
  );
  if (typeof socket === 'number') {
    throw new ConnectorError('unavailable', `socket() for netlink ${protocol}: errno ${-socket}`);
  }
  try {
    if (receiveBuffer !== undefined) set(socket, abi.SO_RCVBUF, receiveBuffer);
    set(socket, abi.SO_PASSCRED, 1);
    socket.setsockopt(abi.SOL_NETLINK, abi.NETLINK_NO_ENOBUFS, Number(wanted.noEnobufs ?? true));
    if (socket.bind({ nl_pid: portid, nl_groups: 0 }) < 0) {
      throw new ConnectorError('busy', `portid ${portid} is bound by another socket`);
    }
    const transport = new KernelTransport(process, socket, kernel, wanted.readDelayMs ?? 0);
    for (const group of groups) transport.join(group);
    return transport;
  } catch (error) {
    socket.close();
    throw error;
  }
}

function set(socket: SimulatedSocket, name: number, value: number): void {
  const result = socket.setsockopt(abi.SOL_SOCKET, name, value);
  required(result === 0, `the kernel refuses socket option ${name}: errno ${-result}`);
}

class KernelTransport implements SimulatedNetlink {
  readonly traits: Traits;
  readonly address: number;
  foreign = 0;
  readonly #process: SimulatedProcess;
  readonly #socket: SimulatedSocket;
  /** Speaks to the kernel's connector. */
  readonly #kernel: boolean;
  readonly #reader: Reader;
  /** Taken from the queue before a send, and not yet read. */
  readonly #drained: (Parcel | 'overrun')[] = [];
  #closed = false;

  constructor(
    process: SimulatedProcess,
    socket: SimulatedSocket,
    kernel: boolean,
    readDelayMs: number,
  ) {
    required(readDelayMs >= 0, 'readDelayMs is not negative');
    this.#process = process;
    this.#socket = socket;
    this.#kernel = kernel;
    const { clock } = process.machine;
    this.address = (socket.getsockname() as { readonly nl_pid: number }).nl_pid;
    this.traits = traitsOf(process, socket, kernel, readDelayMs);
    const drained = this.#drained;
    this.#reader = new Reader(clock, readDelayMs, {
      get readable() {
        return drained.length > 0 || socket.readable;
      },
      get drops() {
        return socket.drops;
      },
      take: () => this.#take(),
      delivered: () => {},
    });
    socket.watch(() => this.#reader.wake());
  }

  get drops(): number {
    return this.#socket.drops;
  }

  /** Between processes by the id's hash; on the connector the kernel answers for every id. */
  locate(id: ConnectorId): number {
    return this.#kernel ? 0 : portidOf(id);
  }

  start(sink: Sink): void {
    this.#requireOpen();
    required(!this.#reader.started, 'a transport starts once');
    this.#reader.start(sink);
  }

  /**
   * As the contract says. On `connector` the queue is drained first, because an agent that waits
   * for room in it would wait for ever (semantics 25); `busy` if more is in it than can be, or if
   * the process hangs already.
   */
  send(slab: Slab, start: number, end: number, peer: number): SendOutcome {
    if (!this.#fits(slab, start, end)) return 'too-big';
    if (this.#process.hung || (this.#kernel && !this.#drain())) return 'busy';
    const address = { nl_pid: peer, nl_groups: 0 };
    return outcome(this.#socket.sendto(slab.bytes.subarray(start, end), 0, address));
  }

  /** As on real netlink: nobody can tell whether anyone received it; `denied` on `connector`. */
  multicast(slab: Slab, start: number, end: number, group: number): SendOutcome {
    requireGroup(group);
    if (!this.#fits(slab, start, end)) return 'too-big';
    if (this.#kernel) return 'denied';
    const address = { nl_pid: 0, nl_groups: 1 << (group - 1) };
    const result = this.#socket.sendto(slab.bytes.subarray(start, end), 0, address);
    // The result is that of a second, unicast copy to portid 0, where nobody is (KF §6.6).
    return result === -errnos.ECONNREFUSED ? 'sent' : outcome(result);
  }

  join(group: number): void {
    this.#change(group, abi.NETLINK_ADD_MEMBERSHIP);
  }

  leave(group: number): void {
    this.#change(group, abi.NETLINK_DROP_MEMBERSHIP);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#reader.stop();
    this.#socket.close();
  }

  #change(group: number, name: number): void {
    this.#requireOpen();
    requireGroup(group);
    const result = this.#socket.setsockopt(abi.SOL_NETLINK, name, group);
    if (result === 0) return;
    const why = 'multicast groups need CAP_NET_ADMIN';
    throw new ConnectorError('refused', `the kernel refuses group ${group}: ${why}`);
  }

  /** The next datagram that is to be believed. */
  #take(): Parcel | 'overrun' | undefined {
    for (;;) {
      if (this.#drained.length === 0 && !this.#socket.readable) return undefined;
      const taken = this.#drained.shift() ?? this.#socket.take();
      if (!this.#kernel || typeof taken !== 'object' || taken.from === 0) return taken;
      this.foreign += 1;
    }
  }

  /** True if the queue is empty now. */
  #drain(): boolean {
    while (this.#socket.readable) {
      if (this.#drained.length >= DRAINED_MAX) return false;
      const taken = this.#socket.take();
      if (taken !== undefined) this.#drained.push(taken);
    }
    return true;
  }

  #fits(slab: Slab, start: number, end: number): boolean {
    this.#requireOpen();
    requireRange(slab, start, end);
    return end - start <= this.traits.datagramMax;
  }

  #requireOpen(): void {
    if (!this.#closed) return;
    throw new ConnectorError('closed', 'the transport is closed', { outcome: 'not-sent' });
  }
}

function traitsOf(
  process: SimulatedProcess,
  socket: SimulatedSocket,
  kernel: boolean,
  readDelayMs: number,
): Traits {
  const { checksLength, messageMax } = process.machine.release;
  const connectorMax = messageMax + (checksLength ? 16 : 0);
  const [receiveBuffer] = socket.getsockopt(abi.SOL_SOCKET, abi.SO_RCVBUF) as [number];
  return {
    name: kernel ? 'simulated-connector' : 'simulated-usersock',
    fifo: true,
    intact: true,
    reportsOverrun: true,
    lossless: !kernel,
    reportsDeath: true,
    datagramMax: kernel ? connectorMax : USERSOCK_MAX,
    receiveBuffer,
    roundTripHintMs: 2 * readDelayMs + 1,
    truesize: (length) => truesize(length, !kernel),
  };
}

function outcome(result: number): SendOutcome {
  if (result >= 0) return 'sent';
  switch (-result) {
    case errnos.EAGAIN:
      return 'busy';
    case errnos.ENOBUFS:
      return 'no-memory';
    case errnos.ECONNREFUSED:
      return 'no-peer';
    case errnos.EMSGSIZE:
      return 'too-big';
    default:
      return 'denied';
  }
}
