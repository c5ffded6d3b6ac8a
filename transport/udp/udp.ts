import type { Socket } from 'node:dgram';
import { isIPv4 } from 'node:net';
import { ConnectorError, required } from '../../core/errors.ts';
import type { ConnectorId } from '../../core/id.ts';
import type { Slab } from '../../core/slab.ts';
import { requireGroup, requireRange } from '../simulated/misuse.ts';
import type { Peer, SendOutcome, Sink, Traits, Transport } from '../transport.ts';
import { hostOf, peerOf, portOf, servicePortOf, sourceOf } from './address.ts';
import { udpTruesize } from './charge.ts';
import { readDrops } from './drops.ts';
import { groupHost, Groups } from './groups.ts';
import { DATAGRAM_MAX, Inbox } from './inbox.ts';
import { Outbox } from './outbox.ts';
import { bindSocket, refusal } from './socket.ts';

export { hostOf, peerOf, portOf, servicePortOf };

const LOOPBACK = '127.0.0.1';
const ANY = '0.0.0.0';
/** The port of all groups: the one below those of the services. */
const GROUP_PORT = 61_439;
/** What fits an Ethernet frame after the headers of IP and UDP. */
const UNFRAGMENTED_MAX = 1_472;
/**
 * The share of SO_RCVBUF that is surely there. What is read gives its room back in quarters of the
 * buffer only, unless the queue is empty (measured on 6.18: a full default queue took nothing more
 * until 64 of its 256 datagrams were read).
 */
const USABLE_SHARE = 3 / 4;

/** Tells `openUdp` what to bind. */
export interface UdpOptions {
  /**
   * The IPv4 address to bind, which is our own to all peers. Default 127.0.0.1: reachable on this
   * machine only. 0.0.0.0 takes what comes to any address; then there are no groups.
   */
  readonly host?: string;
  /** 1 to 65,535; by default (0) the system chooses. */
  readonly port?: number;
  /** Bytes as given to SO_RCVBUF; Linux cuts them to net.core.rmem_max and doubles them. */
  readonly receiveBuffer?: number;
  /**
   * The longest datagram. Default: 65,507 bytes on a loopback address, else 1,472, which travel in
   * one piece: a longer one is lost if any of its fragments is.
   */
  readonly datagramMax?: number;
  /** The port at which members of groups meet; the same for all of them. Default 61,439. */
  readonly groupPort?: number;
}

/** What happened on a UDP transport so far, in datagrams. */
export interface UdpStats {
  readonly [counter: string]: number;
  /** Handed to the system. */
  readonly sent: number;
  /**
   * Of those, refused by the system after the call (EPERM, ENETUNREACH, ...), and lost: at least so
   * many. One in sixteen is asked about, and where one was refused each that follows.
   */
  readonly failed: number;
  /** Sends answered with `busy`. */
  readonly busy: number;
  /** Handed to the sink. */
  readonly received: number;
  /** Dropped because too much waited between the socket and the sink. */
  readonly overflow: number;
  /** Dropped for having no source that could be answered. */
  readonly sourceless: number;
}

/** A UDP socket as a transport. A peer is an IPv4 address and a port: `peerOf`. */
export interface UdpTransport extends Transport {
  readonly host: string;
  readonly port: number;
  /**
   * Datagrams lost to a full receive queue, by the kernel's count at the time of asking (those of
   * groups apart). Undefined where the system does not tell.
   */
  readonly drops: number | undefined;
  stats(): UdpStats;
}

/**
 * Opens a UDP socket for tests and closed networks: nothing is encrypted, and a source address
 * proves nothing. From `start` on it keeps the process alive until `close`.
 *
 * Rejects with `ConnectorError`: `invalid-argument`; `busy` (port taken); `unavailable` (not an
 * address of this machine, or the system says no).
 */
export async function openUdp(options: UdpOptions = {}): Promise<UdpTransport> {
  const { host = LOOPBACK, port = 0, receiveBuffer, groupPort = GROUP_PORT } = options;
  const { datagramMax = isLoopback(host) ? DATAGRAM_MAX : UNFRAGMENTED_MAX } = options;
  required(isIPv4(host), `host must be an IPv4 address, not ${JSON.stringify(host)}`);
  requireInteger('port', port, 0, 65_535);
  requireInteger('groupPort', groupPort, 1, 65_535);
  requireInteger('datagramMax', datagramMax, 1, DATAGRAM_MAX);
  if (receiveBuffer !== undefined) requireInteger('receiveBuffer', receiveBuffer, 1, 0x3fffffff);
  const inbox = new Inbox();
  const socket = await new Promise<Socket>((resolve, reject) => {
    bindSocket({
      host,
      port,
      shared: false,
      receiveBuffer,
      received: (bytes, from, fromPort) => inbox.take(bytes, from, fromPort, 0),
      bound: (bound, error) => {
        if (error === undefined) resolve(bound);
        else reject(refusal(host, port, error));
      },
      failed: (error) => inbox.fail(error),
    });
  });
  return new Udp({ socket, inbox, host, datagramMax, groupPort, receiveBuffer });
}

function isLoopback(host: string): boolean {
  return host.startsWith('127.');
}

function requireInteger(name: string, value: number, least: number, most: number): void {
  const fits = Number.isInteger(value) && value >= least && value <= most;
  required(fits, `${name} must be an integer from ${least} to ${most}, not ${String(value)}`);
}

interface UdpParts {
  readonly socket: Socket;
  readonly inbox: Inbox;
  readonly host: string;
  readonly datagramMax: number;
  readonly groupPort: number;
  readonly receiveBuffer: number | undefined;
}

class Udp implements UdpTransport {
  readonly traits: Traits;
  readonly host: string;
  readonly port: number;
  readonly #socket: Socket;
  readonly #inbox: Inbox;
  readonly #outbox: Outbox;
  readonly #groups: Groups;
  readonly #groupPort: number;
  #closed = false;
  #dropsAtClose: number | undefined;
  /** Where the last datagram went: to write an address costs as much as the rest of a send. */
  #lastPeer = 0;
  #lastHost = '';

  constructor({ socket, inbox, host, datagramMax, groupPort, receiveBuffer }: UdpParts) {
    this.#socket = socket;
    this.#inbox = inbox;
    this.#outbox = new Outbox(socket, datagramMax);
    this.host = host;
    this.port = socket.address().port;
    this.#groupPort = groupPort;
    this.#groups = new Groups({
      host,
      port: groupPort,
      receiveBuffer,
      received: (bytes, from, port, group) => {
        // The system gives us our own, too.
        if (from !== host || port !== this.port) inbox.take(bytes, from, port, group);
      },
      failed: (error) => inbox.fail(error),
    });
    if (host !== ANY) socket.setMulticastInterface(host);
    this.traits = {
      name: 'udp',
      // A sender that the scheduler moves to another CPU between two sends can overtake itself,
      // even on loopback: each CPU has a backlog of its own.
      fifo: false,
      // A checksum of 16 bits misses one damaged datagram in 65,536, and loopback has none.
      intact: false,
      // Node does not pass SO_RXQ_OVFL on.
      reportsOverrun: false,
      lossless: false,
      // The ICMP message that tells of a closed port reaches connected sockets only.
      reportsDeath: false,
      datagramMax,
      receiveBuffer: Math.floor(socket.getRecvBufferSize() * USABLE_SHARE),
      roundTripHintMs: isLoopback(host) ? 1 : 10,
      truesize: udpTruesize,
    };
  }

  /** Bound to 0.0.0.0 it is the port alone, and nobody's address. */
  get address(): Peer {
    return sourceOf(this.host, this.port);
  }

  get drops(): number | undefined {
    return this.#closed ? this.#dropsAtClose : readDrops(this.host, this.port);
  }

  stats(): UdpStats {
    const { sent, failed, busy } = this.#outbox;
    const { received, overflow, sourceless } = this.#inbox;
    return { sent, failed, busy, received, overflow, sourceless };
  }

  /** On this machine, at `servicePortOf(id)`. For a server elsewhere give connect a `peer`. */
  locate(id: ConnectorId): Peer {
    return peerOf(this.host === ANY ? LOOPBACK : this.host, servicePortOf(id));
  }

  start(sink: Sink): void {
    this.#requireOpen();
    this.#inbox.start(sink);
    this.#socket.ref();
  }

  /**
   * As the contract says. `busy` while the kernel has not taken the datagram before; what else it
   * has against one is known only later, and counted (`stats().failed`). Throws `invalid-argument`
   * for an empty datagram and for what is no peer.
   */
  send(slab: Slab, start: number, end: number, peer: Peer): SendOutcome {
    this.#requireOpen();
    requireRange(slab, start, end);
    if (peer !== this.#lastPeer) {
      this.#lastHost = hostOf(peer);
      this.#lastPeer = peer;
    }
    if (end - start > this.traits.datagramMax) return 'too-big';
    return this.#outbox.send(slab, start, end, this.#lastHost, portOf(peer));
  }

  /** As the contract says; nobody can tell whether anyone received it. `denied` on 0.0.0.0. */
  multicast(slab: Slab, start: number, end: number, group: number): SendOutcome {
    this.#requireOpen();
    requireRange(slab, start, end);
    requireGroup(group);
    if (this.host === ANY) return 'denied';
    if (end - start > this.traits.datagramMax) return 'too-big';
    return this.#outbox.send(slab, start, end, groupHost(group), this.#groupPort);
  }

  join(group: number): void {
    this.#requireOpen();
    requireGroup(group);
    if (this.host === ANY) {
      throw new ConnectorError('refused', 'groups need a host that is the address of an interface');
    }
    this.#groups.join(group);
  }

  /** As the contract says; what waits in the queue is lost. */
  leave(group: number): void {
    this.#requireOpen();
    requireGroup(group);
    this.#groups.leave(group);
  }

  close(): void {
    if (this.#closed) return;
    this.#dropsAtClose = this.drops;
    this.#closed = true;
    this.#inbox.close();
    this.#groups.close();
    this.#socket.close();
  }

  #requireOpen(): void {
    if (!this.#closed) return;
    throw new ConnectorError('closed', 'the transport is closed', { outcome: 'not-sent' });
  }
}
