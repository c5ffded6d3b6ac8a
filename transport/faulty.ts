import type { Clock } from '../core/clock.ts';
import { ConnectorError } from '../core/errors.ts';
import type { ConnectorId } from '../core/id.ts';
import type { SeededRandom } from '../core/random.ts';
import type { Slab } from '../core/slab.ts';
import { keepsBytes, keepsOrder, Link, type Faults, type LinkCounters } from './faults.ts';
import { Flight } from './simulated/flight.ts';
import { Memory, type MemoryOption } from './simulated/memory.ts';
import { requireGroup, requireRange } from './simulated/misuse.ts';
import { PARCEL_START, ParcelPool, type Parcel } from './simulated/parcel.ts';
import type { Peer, SendOutcome, Sink, Traits, Transport } from './transport.ts';

/** Says what is to go wrong, and by what chance. */
export interface FaultyOptions {
  readonly faults?: Faults;
  readonly memory?: MemoryOption;
  readonly clock: Clock;
  /** Only forked, never drawn from. */
  readonly random: SeededRandom;
  /** How many datagrams may be held back at once; more are lost. */
  readonly underWayMax?: number;
}

/** Counts what went wrong on purpose. */
export interface FaultyStats extends Readonly<LinkCounters> {
  /** Accepted for sending. */
  readonly datagrams: number;
  /** Held back or doubled, and then refused by the transport beneath: nobody is left to tell. */
  readonly refused: number;
  /** Sends refused for want of memory by us. */
  readonly noMemorySend: number;
}

/**
 * Middleware: does to everything sent through it what a bad link would, over any transport and in
 * any kind of time. All peers share one link, as if the wire to this socket were the bad one; what
 * comes in is left alone (wrap the other side too). What passes at once keeps the outcome of the
 * transport beneath; what is delayed is `sent`, since the truth comes too late.
 */
export function faulty(transport: Transport, options: FaultyOptions): FaultyTransport {
  return new FaultyTransport(transport, options);
}

/** What `faulty` makes. */
export class FaultyTransport implements Transport {
  readonly traits: Traits;
  readonly #inner: Transport;
  readonly #clock: Clock;
  readonly #link: Link;
  readonly #memory: Memory;
  readonly #memoryRandom: SeededRandom;
  readonly #flight: Flight;
  readonly #pool = new ParcelPool();
  readonly #counts = { datagrams: 0, refused: 0, noMemorySend: 0 };
  #closed = false;

  constructor(transport: Transport, options: FaultyOptions) {
    const { faults = {}, memory = 'none', clock, underWayMax = 65_536 } = options;
    const random = options.random.fork('faulty');
    const delayMs = faults.delayMs?.max ?? 0;
    const promises = { fifo: keepsOrder(faults), intact: keepsBytes(faults) };
    this.#inner = transport;
    this.#clock = clock;
    this.#link = new Link(faults, random.fork('link'), promises);
    this.#memory = new Memory(memory, clock.now(), random.fork('memory'));
    this.#memoryRandom = random.fork('allocations');
    this.#flight = new Flight(clock, underWayMax, (parcel) => {
      if (this.#pass(parcel) !== 'sent') this.#counts.refused += 1;
    });
    this.traits = {
      ...transport.traits,
      name: `faulty ${transport.traits.name}`,
      fifo: transport.traits.fifo && promises.fifo,
      intact: transport.traits.intact && promises.intact,
      // What is delayed never brings back a `no-peer`.
      lossless: false,
      reportsDeath: transport.traits.reportsDeath && delayMs === 0,
      roundTripHintMs: transport.traits.roundTripHintMs + 2 * delayMs,
    };
  }

  get address(): Peer {
    return this.#inner.address;
  }

  locate(id: ConnectorId): Peer {
    return this.#inner.locate(id);
  }

  start(sink: Sink): void {
    this.#inner.start(sink);
  }

  send(slab: Slab, start: number, end: number, peer: Peer): SendOutcome {
    return this.#send(slab, start, end, peer, 0);
  }

  multicast(slab: Slab, start: number, end: number, group: number): SendOutcome {
    requireGroup(group);
    return this.#send(slab, start, end, 0, group);
  }

  join(group: number): void {
    this.#inner.join(group);
  }

  leave(group: number): void {
    this.#inner.leave(group);
  }

  /** Closes the transport beneath too. What is held back is lost. */
  close(): void {
    this.#closed = true;
    this.#flight.clear((parcel) => this.#pool.give(parcel));
    this.#inner.close();
  }

  stats(): FaultyStats {
    return { ...this.#counts, ...this.#link.counters };
  }

  #send(slab: Slab, start: number, end: number, to: Peer, group: number): SendOutcome {
    if (this.#closed) {
      throw new ConnectorError('closed', 'the transport is closed', { outcome: 'not-sent' });
    }
    requireRange(slab, start, end);
    if (end - start > this.traits.datagramMax) return 'too-big';
    const now = this.#clock.now();
    if (this.#memory.fails('kernel', now, this.#memoryRandom)) {
      this.#counts.noMemorySend += 1;
      return 'no-memory';
    }
    const fate = this.#link.decide(now);
    const parcel = this.#pool.take(slab, start, end);
    parcel.to = to;
    parcel.group = group;
    const copy = fate.copyArrivesAt === Infinity ? undefined : this.#pool.clone(parcel);
    parcel.number = fate.number;
    parcel.arrivesAt = fate.arrivesAt;
    const outcome = this.#launch(parcel, now);
    if (copy !== undefined) {
      copy.number = fate.mutated ? -1 : 0;
      copy.arrivesAt = fate.copyArrivesAt;
      // Refused, the caller still has the datagram: then there is nothing to double.
      if (outcome !== 'sent') copy.arrivesAt = Infinity;
      if (this.#launch(copy, now) !== 'sent') this.#counts.refused += 1;
    }
    if (outcome === 'sent') this.#counts.datagrams += 1;
    return outcome;
  }

  #launch(parcel: Parcel, now: number): SendOutcome {
    if (parcel.arrivesAt <= now) return this.#pass(parcel);
    if (parcel.arrivesAt === Infinity) this.#pool.give(parcel);
    else if (!this.#flight.push(parcel)) {
      this.#link.counters.lost += 1;
      this.#pool.give(parcel);
    }
    return 'sent';
  }

  /** Hands a parcel to the transport beneath, damaged if so decided. */
  #pass(parcel: Parcel): SendOutcome {
    const { slab, to, group, number } = parcel;
    const end =
      PARCEL_START + this.#link.damage(slab.bytes, PARCEL_START, parcel.length, number < 0);
    const outcome =
      group > 0
        ? this.#inner.multicast(slab, PARCEL_START, end, group)
        : this.#inner.send(slab, PARCEL_START, end, to);
    if (outcome === 'sent' && number > 0) this.#link.arrived(number);
    this.#pool.give(parcel);
    return outcome;
  }
}
