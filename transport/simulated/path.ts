import type { Clock } from '../../core/clock.ts';
import type { SeededRandom } from '../../core/random.ts';
import type { Link, LinkCounters } from '../faults.ts';
import type { Peer } from '../transport.ts';
import { truesize } from '../truesize.ts';
import { Flight } from './flight.ts';
import type { Memory } from './memory.ts';
import { PARCEL_START, type Parcel, type ParcelPool } from './parcel.ts';
import type { SimulatedTransport } from './transport.ts';

/**
 * Monotonic counters. Once nothing is under way or queued, `datagrams + duplicated` equals
 * `delivered + lost + overrun + noMemory + vanished`: no datagram goes missing without a name.
 */
export interface NetworkStats extends Readonly<LinkCounters> {
  /** Accepted for sending; a multicast counts once for each member. */
  readonly datagrams: number;
  readonly delivered: number;
  /** Dropped at a full or congested receive queue; the receiver is told. */
  readonly overrun: number;
  /** Dropped as the receiving side could not allocate. */
  readonly noMemory: number;
  /** Gone with a socket that closed, or arrived where nobody is bound or no member is. */
  readonly vanished: number;
  /** Sends refused, by what they returned. */
  readonly busy: number;
  readonly noPeer: number;
  readonly noMemorySend: number;
}

/** The part of the counters that no link keeps. */
export type NetworkCounts = {
  -readonly [Name in Exclude<keyof NetworkStats, keyof LinkCounters>]: number;
};

/** What all paths of a network share. */
export interface Ground {
  readonly clock: Clock;
  readonly memory: Memory;
  readonly pool: ParcelPool;
  readonly counts: NetworkCounts;
  readonly groups: Map<number, Set<Node>>;
  readonly underWayMax: number;
}

/** All that stays of an address when its socket is closed and another one is opened. */
export interface Node {
  readonly address: Peer;
  /** Draws for the allocations made for this node. */
  readonly random: SeededRandom;
  /** By the address they lead to. */
  readonly paths: Map<Peer, Path>;
  socket: SimulatedTransport | undefined;
}

/** One direction between two addresses: a link, what is under way on it, and where it ends. */
export class Path {
  readonly link: Link;
  readonly target: Node;
  /** True while the wire is cut: what is sent is lost, what is under way arrives. */
  cut = false;
  readonly #ground: Ground;
  readonly #flight: Flight;

  constructor(ground: Ground, link: Link, target: Node) {
    this.link = link;
    this.target = target;
    this.#ground = ground;
    this.#flight = new Flight(ground.clock, ground.underWayMax, (parcel) => {
      // What comes in from a network needs a buffer at once, or is lost and nobody learns of it.
      const { memory, clock, counts, pool } = this.#ground;
      if (memory.fails('atomic', clock.now(), target.random)) {
        counts.noMemory += 1;
        pool.give(parcel);
      } else this.#land(parcel);
    });
  }

  /** Puts a parcel on its way, and a second copy of it if the link says so. */
  ship(parcel: Parcel): void {
    const { clock, counts, pool } = this.#ground;
    counts.datagrams += 1;
    if (this.cut) {
      this.link.counters.lost += 1;
      pool.give(parcel);
      return;
    }
    const now = clock.now();
    const fate = this.link.decide(now);
    const copy = fate.copyArrivesAt === Infinity ? undefined : pool.clone(parcel);
    if (fate.arrivesAt === Infinity) pool.give(parcel);
    else this.#launch(parcel, fate.number, fate.arrivesAt, now);
    if (copy !== undefined) this.#launch(copy, fate.mutated ? -1 : 0, fate.copyArrivesAt, now);
  }

  #launch(parcel: Parcel, number: number, arrivesAt: number, now: number): void {
    const { slab, length, group, from } = parcel;
    parcel.length = this.link.damage(slab.bytes, PARCEL_START, length, number < 0);
    // Only a process's own unicast is charged to size; clones and the kernel's are not (KF §6.1).
    parcel.charge = truesize(parcel.length, group === 0 && from !== 0);
    parcel.number = number;
    parcel.arrivesAt = arrivesAt;
    if (arrivesAt <= now) this.#land(parcel);
    else if (!this.#flight.push(parcel)) {
      this.link.counters.lost += 1;
      this.#ground.pool.give(parcel);
    }
  }

  #land(parcel: Parcel): void {
    const { counts, groups, pool } = this.#ground;
    if (parcel.number > 0) this.link.arrived(parcel.number);
    const { socket } = this.target;
    const { group } = parcel;
    if (socket === undefined || (group > 0 && !groups.get(group)!.has(this.target))) {
      counts.vanished += 1;
    } else if (socket.accepts(parcel.charge)) {
      socket.deliver(parcel);
      return;
    } else {
      counts.overrun += 1;
      socket.overrun();
    }
    pool.give(parcel);
  }
}
