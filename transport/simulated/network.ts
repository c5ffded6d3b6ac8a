import type { Clock } from '../../core/clock.ts';
import { ConnectorError, required } from '../../core/errors.ts';
import type { ConnectorId } from '../../core/id.ts';
import { SeededRandom } from '../../core/random.ts';
import type { Slab } from '../../core/slab.ts';
import { keepsBytes, keepsOrder, Link, type Faults, type Promises } from '../faults.ts';
import { portidOf } from '../portid.ts';
import type { Credentials, Peer, SendOutcome } from '../transport.ts';
import { truesize } from '../truesize.ts';
import { Memory, type MemoryOption } from './memory.ts';
import { ParcelPool, type Parcel } from './parcel.ts';
import { Path, type Ground, type NetworkStats, type Node } from './path.ts';
import { SimulatedTransport, type Fabric } from './transport.ts';

export type { NetworkStats } from './path.ts';
export type { SimulatedTransport } from './transport.ts';

/** Shapes a simulated network. */
export interface NetworkOptions {
  /** Usually a `VirtualClock`; then the same seed and program give the same history. */
  readonly clock: Clock;
  /** What all chance comes from; 1 by default. */
  readonly seed?: number;
  /** Instead of a seed. Only forked, never drawn from. */
  readonly random?: SeededRandom;
  /** The faults of every link that is not set otherwise. */
  readonly faults?: Faults;
  readonly memory?: MemoryOption;
  /** Promises less than `faults` keeps, so that links may be made worse later. */
  readonly traits?: { readonly fifo?: false; readonly intact?: false };
  /** 65216 by default: with the kernel's book-keeping that fills 64 KiB (KF §6.1). */
  readonly datagramMax?: number;
  /** Whether a send to an address nobody is bound to says so; true by default, as on netlink. */
  readonly reportsDeath?: boolean;
  /** Where the server for a connector id is found; as on netlink by default (`portidOf`). */
  readonly locate?: (id: ConnectorId) => Peer;
  /** How many datagrams may be under way on one link; more are lost. */
  readonly underWayMax?: number;
}

/** Shapes one socket of it. */
export interface OpenOptions {
  /** By default the lowest that was never used. 0 is the kernel's. */
  readonly address?: Peer;
  /** In the unit of `truesize`, as SO_RCVBUF reads after it was set; 212992 by default. */
  readonly receiveBuffer?: number;
  /** How long after a datagram's arrival at an empty queue its reader runs; 0 by default. */
  readonly readDelayMs?: number;
  /** NETLINK_NO_ENOBUFS: losses are only counted, the socket does not go deaf; true by default. */
  readonly noEnobufs?: boolean;
  /** By default pid = address, uid 0, gid 0. */
  readonly credentials?: Credentials;
}

/**
 * A deterministic network of sockets that behave as netlink's do (KF §6, §8, §10), over links with
 * faults. A link without delay is one machine: a full receive queue shows in the sender's `busy`,
 * and nothing is lost. A link with delay stands for a network between: the datagram is under way
 * when the queue turns out full, so it is dropped there and the receiver learns of an overrun. That
 * nobody is bound to an address shows at once in either case, a simplification.
 *
 * Datagrams under way when a link is cut or set are not affected, and reach whoever is bound to the
 * address when they arrive: a process restarted at its address gets its predecessor's mail.
 */
export class SimulatedNetwork {
  readonly #random: SeededRandom;
  readonly #faults: Faults;
  readonly #promises: Promises;
  readonly #datagramMax: number;
  readonly #reportsDeath: boolean;
  readonly #ground: Ground;
  readonly #fabric: Fabric;
  readonly #nodes = new Map<Peer, Node>();

  constructor(options: NetworkOptions) {
    const { clock, faults = {}, memory = 'none', traits = {} } = options;
    this.#random = (options.random ?? new SeededRandom(options.seed ?? 1)).fork('network');
    this.#faults = faults;
    this.#promises = {
      fifo: traits.fifo ?? keepsOrder(faults),
      intact: traits.intact ?? keepsBytes(faults),
    };
    this.#datagramMax = options.datagramMax ?? 65_216;
    this.#reportsDeath = options.reportsDeath ?? true;
    this.#ground = {
      clock,
      memory: new Memory(memory, clock.now(), this.#random.fork('memory')),
      pool: new ParcelPool(),
      counts: {
        datagrams: 0,
        delivered: 0,
        overrun: 0,
        noMemory: 0,
        vanished: 0,
        busy: 0,
        noPeer: 0,
        noMemorySend: 0,
      },
      groups: new Map(),
      underWayMax: options.underWayMax ?? 65_536,
    };
    this.#fabric = this.#makeFabric(options.locate ?? portidOf);
    new Link(faults, this.#random, this.#promises); // misuse throws here, not at the first send
  }

  /** Opens a socket. Throws `busy` where the address is in use (EADDRINUSE). */
  open(options: OpenOptions = {}): SimulatedTransport {
    const address = options.address ?? this.#freeAddress();
    const { receiveBuffer = 212_992, readDelayMs = 0, noEnobufs = true } = options;
    const { credentials = { pid: address, uid: 0, gid: 0 } } = options;
    required(Number.isInteger(address) && address >= 0, 'an address is a whole number from 0');
    required(receiveBuffer >= 2304, 'no receive buffer is smaller than 2304 (KF §6.1)');
    required(readDelayMs >= 0, 'readDelayMs is not negative');
    const node = this.#node(address);
    if (node.socket !== undefined) {
      throw new ConnectorError('busy', `address ${address} is in use`);
    }
    const wayMs = (this.#faults.delayMs?.max ?? 0) + readDelayMs;
    const traits = {
      name: 'simulated',
      ...this.#promises,
      reportsOverrun: true,
      lossless: false,
      reportsDeath: this.#reportsDeath,
      datagramMax: this.#datagramMax,
      receiveBuffer,
      roundTripHintMs: 2 * wayMs + 1,
      truesize: (length: number) => truesize(length, address !== 0),
    };
    node.socket = new SimulatedTransport(this.#fabric, {
      address,
      receiveBuffer,
      readDelayMs,
      noEnobufs,
      credentials,
      traits,
    });
    return node.socket;
  }

  /** Where the server for a connector id is found: the address to open its socket at. */
  locate(id: ConnectorId): Peer {
    return this.#fabric.locate(id);
  }

  /** The link one way between two addresses, to `set` its faults or read its counters. */
  link(from: Peer, to: Peer): Link {
    return this.#path(this.#node(from), this.#node(to)).link;
  }

  /** Cuts one direction: what is sent that way is lost from now on. */
  partition(from: Peer, to: Peer): void {
    this.#path(this.#node(from), this.#node(to)).cut = true;
  }

  /** Mends all links, or those from one address, or one. */
  heal(from?: Peer, to?: Peer): void {
    for (const node of this.#nodes.values()) {
      if (from !== undefined && from !== node.address) continue;
      for (const path of node.paths.values()) {
        if (to === undefined || to === path.target.address) path.cut = false;
      }
    }
  }

  /** Closes the socket at an address as a crash does: its queue is lost, the address free again. */
  crash(address: Peer): void {
    this.#nodes.get(address)?.socket?.close();
  }

  stats(): NetworkStats {
    const total = { lost: 0, duplicated: 0, reordered: 0, corrupted: 0, truncated: 0 };
    for (const { paths } of this.#nodes.values()) {
      for (const { link } of paths.values()) {
        total.lost += link.counters.lost;
        total.duplicated += link.counters.duplicated;
        total.reordered += link.counters.reordered;
        total.corrupted += link.counters.corrupted;
        total.truncated += link.counters.truncated;
      }
    }
    return { ...this.#ground.counts, ...total };
  }

  /** The network as its sockets see it. */
  #makeFabric(locate: Fabric['locate']): Fabric {
    const { clock, counts, groups, pool } = this.#ground;
    return {
      clock,
      locate,
      unicast: (from, slab, start, end, to) => this.#unicast(from, slab, start, end, to),
      multicast: (from, slab, start, end, to) => this.#multicast(from, slab, start, end, to),
      join: (address, group) => {
        const members = groups.get(group) ?? new Set();
        groups.set(group, members.add(this.#node(address)));
      },
      leave: (address, group) => {
        groups.get(group)?.delete(this.#node(address));
      },
      delivered: (parcel) => {
        counts.delivered += 1;
        pool.give(parcel);
      },
      vanished: (parcel) => {
        counts.vanished += 1;
        pool.give(parcel);
      },
      closed: (address) => {
        const node = this.#node(address);
        node.socket = undefined;
        for (const members of groups.values()) members.delete(node);
      },
    };
  }

  /** In the order of netlink_unicast: allocate, look the peer up, look at its queue. */
  #unicast(address: Peer, slab: Slab, start: number, end: number, to: Peer): SendOutcome {
    const from = this.#nodes.get(address)!;
    const { counts } = this.#ground;
    if (this.#outOfMemory(from)) return 'no-memory';
    const target = this.#nodes.get(to);
    const path = target && this.#path(from, target);
    const socket = target?.socket;
    const cut = path?.cut === true; // then the sender can learn nothing of the other side
    if (!cut && socket === undefined && this.#reportsDeath) {
      counts.noPeer += 1;
      return 'no-peer';
    }
    if (path === undefined) {
      counts.datagrams += 1;
      counts.vanished += 1;
      return 'sent';
    }
    const reachable = !cut && path.link.immediate;
    if (reachable && socket?.accepts(truesize(end - start, address !== 0)) === false) {
      counts.busy += 1;
      return 'busy';
    }
    path.ship(this.#parcel(from, slab, start, end, 0));
    return 'sent';
  }

  /**
   * Sends a clone to each member. A clone that cannot be allocated is an overrun for its member and
   * for all members after it (KF §6.5 #4), a full queue is one for its member; the sender does not
   * hear of either. Unlike netlink's, this sender is told when there is no member at all.
   */
  #multicast(address: Peer, slab: Slab, start: number, end: number, group: number): SendOutcome {
    const from = this.#nodes.get(address)!;
    const { clock, counts, groups, memory } = this.#ground;
    if (this.#outOfMemory(from)) return 'no-memory';
    const members = groups.get(group) ?? new Set();
    const others = members.size - (members.has(from) ? 1 : 0);
    let failed = false;
    for (const member of members) {
      if (member === from) continue;
      failed ||= others > 1 && memory.fails('atomic', clock.now(), from.random);
      if (failed) {
        counts.datagrams += 1;
        counts.noMemory += 1;
        member.socket!.overrun();
      } else this.#path(from, member).ship(this.#parcel(from, slab, start, end, group));
    }
    if (others > 0) return 'sent';
    counts.noPeer += 1;
    return 'no-peer';
  }

  /** A process may sleep for memory, the kernel's own agents cannot (KF §6.5 #3). */
  #outOfMemory(from: Node): boolean {
    const { clock, counts, memory } = this.#ground;
    const allocation = from.address === 0 ? 'atomic' : 'kernel';
    if (!memory.fails(allocation, clock.now(), from.random)) return false;
    counts.noMemorySend += 1;
    return true;
  }

  #parcel(from: Node, slab: Slab, start: number, end: number, group: number): Parcel {
    const parcel = this.#ground.pool.take(slab, start, end);
    parcel.from = from.address;
    parcel.group = group;
    parcel.credentials = from.socket!.credentials;
    return parcel;
  }

  #node(address: Peer): Node {
    let node = this.#nodes.get(address);
    if (node === undefined) {
      const random = this.#random.fork(`node ${address}`);
      node = { address, random, paths: new Map(), socket: undefined };
      this.#nodes.set(address, node);
    }
    return node;
  }

  #path(from: Node, target: Node): Path {
    let path = from.paths.get(target.address);
    if (path === undefined) {
      const random = this.#random.fork(`link ${from.address} ${target.address}`);
      const link = new Link(this.#faults, random, this.#promises);
      path = new Path(this.#ground, link, target);
      from.paths.set(target.address, path);
    }
    return path;
  }

  #freeAddress(): Peer {
    let address = 1;
    while (this.#nodes.has(address)) address += 1;
    return address;
  }
}
