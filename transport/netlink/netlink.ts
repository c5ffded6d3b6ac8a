import type { ConnectorId } from '../../core/id.ts';
import { ConnectorError, required } from '../../core/errors.ts';
import type { Slab } from '../../core/slab.ts';
import type { SendOutcome, Sink, Traits, Transport } from '../transport.ts';
import { truesize } from '../truesize.ts';
import { errnoName, errnos } from './binding.ts';
import { Inbox } from './inbox.ts';
import { NetlinkSocket } from './socket.ts';
import { portidOf } from '../portid.ts';

export { portidOf };

/** The netlink families, by their numbers in linux/netlink.h. */
const PROTOCOLS = { usersock: 2, connector: 11 } as const;
/** Both families have groups 1..32, and none can be added (KF §5). */
const GROUPS = 32;

/**
 * The largest datagram between processes. With the 320 bytes of book-keeping that the kernel adds
 * it fills 64 KiB exactly, also where the kernel rounds up to a power of two (KF §6.1): 5.7 us to
 * send and receive against 7.6 us for 65,536 bytes. A default queue takes three. SO_SNDBUF would
 * allow 212,960 (KF §1.4), half as fast again a byte, but then a queue holds one and sender and
 * receiver take turns.
 */
const USERSOCK_MAX = 65_216;
/**
 * What the kernel's connector reads, netlink header included; longer ones vanish without an error
 * (KF §1.4). What it sends may be longer, up to 65,571 bytes, and is received.
 */
const CONNECTOR_MAX = 16_400;

/** Tells `openNetlink` what to bind. */
export interface NetlinkOptions {
  /**
   * `usersock` (default) is for processes among themselves. `connector` is the kernel's connector:
   * requests go to peer 0, and what does not come from the kernel is dropped and counted.
   */
  readonly protocol?: 'usersock' | 'connector';
  /**
   * Binds exactly this address, 1..0xffffffff; any user may bind any free one (KF §8.1). By default
   * (0) the kernel chooses: the process id if it is free, else a number from 0x80000000 on.
   */
  readonly portid?: number;
  /**
   * Bytes as given to SO_RCVBUF: the kernel cuts them to net.core.rmem_max, doubles them, and makes
   * that at least 2304 (KF §6.1). `traits.receiveBuffer` tells the result. By default
   * net.core.rmem_default, as it is.
   */
  readonly receiveBuffer?: number;
  /** Multicast groups joined at opening, 1..32. */
  readonly groups?: readonly number[];
}

/** What happened on a netlink transport so far. */
export interface NetlinkStats {
  readonly [counter: string]: number;
  /** Datagrams that the kernel took. */
  readonly sent: number;
  /** Sends that came to nothing: every outcome but `sent`. */
  readonly unsent: number;
  /** Datagrams handed to the sink. */
  readonly received: number;
  /** Datagrams dropped for being longer than a receive slot; no conforming peer sends such. */
  readonly truncated: number;
  /** On `connector`: datagrams dropped because the kernel did not send them (semantics 20). */
  readonly foreign: number;
  /** Datagrams that the kernel dropped because the receive queue was full. */
  readonly drops: number;
}

/** A netlink socket as a transport. A peer is a portid, 0 being the kernel. */
export interface NetlinkTransport extends Transport {
  /** Our own address. */
  readonly portid: number;
  readonly looking: boolean;
  /** Datagrams lost to a full receive queue: the kernel's own count, read when asked (KF §6.4). */
  readonly drops: number;
  stats(): NetlinkStats;
}

/**
 * Opens a netlink socket, bound and ready to send. From `start` on it keeps the process alive until
 * `close`, as a listening server does. A worker should close it before it ends, because the portid
 * stays taken until the process does.
 *
 * Throws `ConnectorError`: `invalid-argument`; `unavailable` (not 64-bit Linux, koffi missing,
 * family unknown to the kernel or forbidden); `busy` (portid taken); `refused` (no right to join a
 * group).
 */
export function openNetlink(options: NetlinkOptions = {}): NetlinkTransport {
  const { protocol = 'usersock', portid = 0, receiveBuffer, groups = [] } = options;
  required(Object.hasOwn(PROTOCOLS, protocol), `no netlink protocol ${String(protocol)}`);
  requireInteger('portid', portid, 0, 0xffffffff);
  if (receiveBuffer !== undefined) requireInteger('receiveBuffer', receiveBuffer, 0, 0x3fffffff);
  const socket = new NetlinkSocket({ protocol: PROTOCOLS[protocol], portid, receiveBuffer });
  const transport = new Netlink(socket, protocol === 'connector');
  try {
    for (const group of groups) transport.join(group);
  } catch (error) {
    transport.close();
    throw error;
  }
  return transport;
}

function requireInteger(name: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  required(false, `${name} must be an integer from ${least} to ${most}, not ${String(value)}`);
}

class Netlink implements NetlinkTransport {
  readonly traits: Traits;
  readonly portid: number;
  readonly #socket: NetlinkSocket;
  readonly #inbox: Inbox;
  /** Speaks to the kernel's connector. */
  readonly #kernel: boolean;
  #closed = false;
  #sent = 0;
  #unsent = 0;
  #dropsAtClose = 0;

  constructor(socket: NetlinkSocket, kernel: boolean) {
    this.#socket = socket;
    this.#inbox = new Inbox(socket, kernel);
    this.#kernel = kernel;
    this.portid = socket.portid;
    this.traits = {
      name: kernel ? 'netlink-connector' : 'netlink-usersock',
      fifo: true,
      intact: true,
      reportsOverrun: true,
      // A process's unicast is queued or refused (KF §6.5); what the kernel sends can be lost.
      lossless: !kernel,
      reportsDeath: true,
      datagramMax: Math.min(kernel ? CONNECTOR_MAX : USERSOCK_MAX, socket.sendMax),
      receiveBuffer: socket.receiveBuffer,
      roundTripHintMs: 1,
      truesize: (length) => truesize(length, !kernel),
    };
  }

  get address(): number {
    return this.portid;
  }

  get looking(): boolean {
    return this.#inbox.looking;
  }

  get drops(): number {
    return this.#closed ? this.#dropsAtClose : this.#socket.drops();
  }

  stats(): NetlinkStats {
    const { received, truncated, foreign } = this.#inbox;
    const { drops } = this;
    return { sent: this.#sent, unsent: this.#unsent, received, truncated, foreign, drops };
  }

  /** Between processes by the id's hash; on the connector the kernel answers for every id. */
  locate(id: ConnectorId): number {
    return this.#kernel ? 0 : portidOf(id);
  }

  start(sink: Sink): void {
    this.#requireOpen();
    this.#inbox.start(sink);
  }

  /**
   * As the contract says. Throws `closed` after `close`, and `invalid-argument` for an empty
   * datagram, which netlink cannot carry (KF §1.4). On `connector` the outcome is `busy`, and
   * nothing is sent, while more waits in the queue than can be taken out of the way (semantics 25).
   */
  send(slab: Slab, start: number, end: number, peer: number): SendOutcome {
    this.#requireDatagram(slab, start, end);
    required(peer >>> 0 === peer, 'a netlink peer is a portid, 32 bits');
    if (end - start > this.traits.datagramMax) return this.#outcome(errnos.EMSGSIZE);
    if (!this.#kernel) return this.#outcome(this.#socket.send(slab, start, end, peer, 0));
    // An agent that answers by a blocking unicast into our full queue hangs inside our system call,
    // and the event loop with it. What is drained here waits in the slots for the batch that
    // follows.
    const empty = this.#inbox.clear();
    const errno = empty ? this.#socket.send(slab, start, end, peer, 0) : errnos.EAGAIN;
    this.#inbox.follow();
    return this.#outcome(errno);
  }

  /**
   * As the contract says. On `usersock` it needs no privilege (KF §8.3), and nobody can tell
   * whether anyone received it. On `connector` always `denied`: members of its groups believe
   * nobody but the kernel, and the kernel would take the datagram for a request to itself (KF
   * §6.6).
   */
  multicast(slab: Slab, start: number, end: number, group: number): SendOutcome {
    this.#requireDatagram(slab, start, end);
    requireInteger('group', group, 1, GROUPS);
    if (this.#kernel) return this.#outcome(errnos.EPERM);
    if (end - start > this.traits.datagramMax) return this.#outcome(errnos.EMSGSIZE);
    const errno = this.#socket.send(slab, start, end, 0, 1 << (group - 1));
    // The result is that of a second, unicast copy to portid 0, where nobody is (KF §6.6).
    return this.#outcome(errno === errnos.ECONNREFUSED ? 0 : errno);
  }

  join(group: number): void {
    this.#changeMembership(group, true);
    this.#inbox.expectDrops();
  }

  /** As the contract says; what waits in the queue already is still delivered. */
  leave(group: number): void {
    this.#changeMembership(group, false);
  }

  close(): void {
    if (this.#closed) return;
    this.#dropsAtClose = this.#socket.drops();
    this.#closed = true;
    this.#inbox.close();
    this.#socket.close();
  }

  #requireOpen(): void {
    if (!this.#closed) return;
    throw new ConnectorError('closed', 'the transport is closed', { outcome: 'not-sent' });
  }

  #requireDatagram(slab: Slab, start: number, end: number): void {
    this.#requireOpen();
    const whole = Number.isInteger(start) && Number.isInteger(end);
    required(
      whole && start >= 0 && start < end && end <= slab.bytes.length,
      'a datagram has at least one byte and lies inside its slab',
    );
  }

  #changeMembership(group: number, member: boolean): void {
    this.#requireOpen();
    requireInteger('group', group, 1, GROUPS);
    const errno = this.#socket.membership(group, member);
    if (errno === 0) return;
    const hint = errno === errnos.EPERM ? ' (multicast groups need CAP_NET_ADMIN)' : '';
    throw new ConnectorError(
      errno === errnos.EINVAL ? 'invalid-argument' : 'refused',
      `the kernel refuses group ${group}: ${errnoName(errno)}${hint}`,
    );
  }

  #outcome(errno: number): SendOutcome {
    if (errno === 0) {
      this.#sent++;
      return 'sent';
    }
    this.#unsent++;
    switch (errno) {
      case errnos.EAGAIN:
        return 'busy';
      case errnos.ENOBUFS:
      case errnos.ENOMEM:
        return 'no-memory';
      case errnos.ECONNREFUSED:
        return 'no-peer';
      case errnos.EMSGSIZE:
        return 'too-big';
      default:
        return 'denied'; // EPERM, or a security module with a word of its own
    }
  }
}
