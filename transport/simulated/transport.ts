import type { Clock } from '../../core/clock.ts';
import { ConnectorError, required } from '../../core/errors.ts';
import type { ConnectorId } from '../../core/id.ts';
import type { Slab } from '../../core/slab.ts';
import type { Credentials, Peer, SendOutcome, Sink, Traits, Transport } from '../transport.ts';
import { requireGroup, requireRange } from './misuse.ts';
import type { Parcel } from './parcel.ts';
import { Reader } from './reader.ts';
import { ReceiveQueue } from './receive-queue.ts';

/** What a socket needs of its network. */
export interface Fabric {
  readonly clock: Clock;
  locate(id: ConnectorId): Peer;
  unicast(from: Peer, slab: Slab, start: number, end: number, to: Peer): SendOutcome;
  multicast(from: Peer, slab: Slab, start: number, end: number, group: number): SendOutcome;
  join(address: Peer, group: number): void;
  leave(address: Peer, group: number): void;
  /** The sink has had the parcel. */
  delivered(parcel: Parcel): void;
  /** The parcel was in the queue when its socket closed. */
  vanished(parcel: Parcel): void;
  closed(address: Peer): void;
}

/** Shapes a simulated socket. */
export interface SocketOptions {
  readonly address: Peer;
  readonly receiveBuffer: number;
  readonly readDelayMs: number;
  readonly noEnobufs: boolean;
  readonly credentials: Credentials;
  readonly traits: Traits;
}

/** One socket of a simulated network; made by `SimulatedNetwork.open`. */
export class SimulatedTransport implements Transport {
  readonly traits: Traits;
  readonly address: Peer;
  readonly credentials: Credentials;

  readonly #fabric: Fabric;
  readonly #queue: ReceiveQueue;
  readonly #reader: Reader;
  #closed = false;

  constructor(fabric: Fabric, options: SocketOptions) {
    this.#fabric = fabric;
    this.traits = options.traits;
    this.address = options.address;
    this.credentials = options.credentials;
    const queue = new ReceiveQueue(options.receiveBuffer, options.noEnobufs);
    this.#queue = queue;
    this.#reader = new Reader(fabric.clock, options.readDelayMs, {
      get readable() {
        return queue.readable;
      },
      get drops() {
        return queue.drops;
      },
      take: () => queue.take(),
      delivered: (parcel) => fabric.delivered(parcel),
    });
  }

  /** Datagrams lost at this socket's receive queue since it was opened (KF §6.4). */
  get drops(): number {
    return this.#queue.drops;
  }

  locate(id: ConnectorId): Peer {
    return this.#fabric.locate(id);
  }

  start(sink: Sink): void {
    this.#open();
    required(!this.#reader.started, 'a transport starts once');
    this.#reader.start(sink);
  }

  send(slab: Slab, start: number, end: number, peer: Peer): SendOutcome {
    if (!this.#fits(slab, start, end)) return 'too-big';
    return this.#fabric.unicast(this.address, slab, start, end, peer);
  }

  multicast(slab: Slab, start: number, end: number, group: number): SendOutcome {
    requireGroup(group);
    if (!this.#fits(slab, start, end)) return 'too-big';
    return this.#fabric.multicast(this.address, slab, start, end, group);
  }

  join(group: number): void {
    this.#open();
    requireGroup(group);
    this.#fabric.join(this.address, group);
  }

  leave(group: number): void {
    this.#open();
    requireGroup(group);
    this.#fabric.leave(this.address, group);
  }

  /** Frees the address. What is in the queue is lost with it (KF §6.5 #12). */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#reader.stop();
    this.#fabric.closed(this.address);
    while (this.#queue.readable) {
      const taken = this.#queue.take();
      if (taken !== undefined && taken !== 'overrun') this.#fabric.vanished(taken);
    }
  }

  /**
   * Keeps the reader busy for so long, after what it is busy with already: what comes meanwhile
   * queues up, as where a process has its one thread in use. Timers and sends go on. Gives when it
   * will be free.
   */
  stall(ms: number): number {
    return this.#reader.stall(ms);
  }

  /** For the network: whether the queue would take a datagram of this charge. */
  accepts(charge: number): boolean {
    return this.#queue.accepts(charge);
  }

  /** For the network: queues a parcel that `accepts` let in. The sink is called in a later turn. */
  deliver(parcel: Parcel): void {
    this.#queue.push(parcel);
    this.#reader.wake();
  }

  /** For the network: a datagram for us was lost on this side. */
  overrun(): void {
    this.#queue.overrun();
    this.#reader.wake();
  }

  #fits(slab: Slab, start: number, end: number): boolean {
    this.#open();
    requireRange(slab, start, end);
    return end - start <= this.traits.datagramMax;
  }

  #open(): void {
    if (this.#closed) {
      throw new ConnectorError('closed', 'the transport is closed', { outcome: 'not-sent' });
    }
  }
}
