import type { ConnectorId } from '../core/id.ts';
import type { Slab } from '../core/slab.ts';

/**
 * A peer's address as this transport counts peers: on netlink its portid (0 is the kernel),
 * elsewhere a number that the transport hands out. Addresses of different transports must not be
 * mixed.
 */
export type Peer = number;

/** The kernel's own word on who sent a datagram (SCM_CREDENTIALS); pid 0 is the kernel. */
export interface Credentials {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
}

/** Where a datagram came from. The object may be reused: copy what outlives the call. */
export interface Source {
  readonly peer: Peer;
  /** The multicast group it was sent to; 0 for unicast. */
  readonly group: number;
  /** Present where the transport vouches for the sender. */
  readonly credentials: Credentials | undefined;
}

/**
 * What became of a send.
 * - `sent`: the transport took the datagram. On a lossy transport that promises nothing more.
 * - `busy`: the receiver's queue is full (EAGAIN). Nothing was lost; the sender keeps the datagram.
 * - `no-memory`: this side could not allocate (ENOBUFS, ENOMEM). Nothing was lost.
 * - `no-peer`: nobody is bound to the address (ECONNREFUSED).
 * - `too-big`: longer than `traits.datagramMax` (EMSGSIZE).
 * - `denied`: the system forbids it (EPERM).
 */
export type SendOutcome = 'sent' | 'busy' | 'no-memory' | 'no-peer' | 'too-big' | 'denied';

/** What the layers above may rely on. Fixed for the life of a transport. */
export interface Traits {
  readonly name: string;
  /** Datagrams of one sender to one receiver never overtake each other. */
  readonly fifo: boolean;
  /** Bytes arrive as sent. Where false, every session datagram carries a CRC-32 (semantics 22). */
  readonly intact: boolean;
  /** The transport tells its receiver that it lost datagrams (`Sink.overrun`). */
  readonly reportsOverrun: boolean;
  /**
   * What was `sent` is in its receiver's queue and is lost only with the receiver. Silence then
   * means that the peer is busy, not that something was lost.
   */
  readonly lossless: boolean;
  /** `no-peer` is certain: the peer's socket is gone for good. */
  readonly reportsDeath: boolean;
  /** The largest datagram, in bytes. */
  readonly datagramMax: number;
  /** What the receive queue holds, in the unit of `truesize`. */
  readonly receiveBuffer: number;
  /** What the first round trip is expected to take at most, in ms, before anything was measured. */
  readonly roundTripHintMs: number;
  /** What a receive queue is charged for a datagram of this many bytes (KF §6.1). */
  truesize(length: number): number;
}

/**
 * Receives from a transport. Calls come in batches: any number of `receive` and `overrun`, then one
 * `received`. No method may throw.
 */
export interface Sink {
  /**
   * One datagram at slab[start, end). The memory is the transport's, valid during the call only.
   */
  receive(slab: Slab, start: number, end: number, source: Source): void;
  /**
   * This receiver lost `lost` datagrams since the last report (at least one; the count if known).
   */
  overrun(lost: number): void;
  /** The batch is over. */
  received(): void;
  /** The transport broke and will deliver nothing more. */
  failed(error: Error): void;
  /**
   * The transport looked for datagrams; what it found was handed over as a batch before. It looks
   * again if it is still `looking`. Only who reads `Transport.looking` needs to know.
   */
  looked?(): void;
}

/**
 * An unreliable datagram transport: bytes and peers, nothing above. Datagrams may be lost, doubled,
 * reordered or damaged, within what `traits` states. `test/compliance/transport.ts` is the contract
 * in executable form; every implementation passes it.
 *
 * `send` and `multicast` are synchronous, copy the bytes before they return, never throw for
 * anything a peer or the system did, and may deliver replies to the sink only outside the call,
 * except that a transport to the kernel may have the reply ready when `send` returns (KF §2.3) and
 * then delivers it in its next batch.
 */
export interface Transport {
  readonly traits: Traits;
  /** Our own address. */
  readonly address: Peer;
  /**
   * True while it looks for datagrams again and again instead of sleeping. Whoever has something to
   * do soon needs no timer meanwhile: each look ends with `Sink.looked`, the last one when this is
   * false again; only after `failed` or `close` there may be none. Absent where it always sleeps.
   * Whoever passes this on for another transport passes `looked` on, too.
   */
  readonly looking?: boolean;
  /**
   * Where a server for a connector id is found by convention, if nobody says otherwise. An address
   * proves nothing about who is bound to it: check credentials where that matters.
   */
  locate(id: ConnectorId): Peer;
  /** Begins to deliver; once only. */
  start(sink: Sink): void;
  send(slab: Slab, start: number, end: number, peer: Peer): SendOutcome;
  /** Sends to all members of a group but us. `no-peer` only where the transport can tell. */
  multicast(slab: Slab, start: number, end: number, group: number): SendOutcome;
  /**
   * Joins a multicast group. Throws `ConnectorError`: invalid-argument (no such group), refused.
   */
  join(group: number): void;
  leave(group: number): void;
  /** Frees the address. Idempotent; nothing is delivered after it. */
  close(): void;
}
