import { BareBook } from './bare-book.ts';
import { EventBook } from './events/book.ts';
import { Ledger } from './ledger.ts';
import type { Plan } from './plan.ts';
import type { Trace } from './trace.ts';
import { Wire } from './wire.ts';
import type { ConnectorId } from '../../core/id.ts';
import { SeededRandom } from '../../core/random.ts';
import type { VirtualClock } from '../../core/virtual-clock.ts';
import { SimulatedNetwork } from '../../transport/simulated/network.ts';
import type { Pressure } from '../../transport/simulated/memory.ts';
import type { Peer } from '../../transport/transport.ts';

/** The service that session peers call, and the id that bare messages carry. */
export const SERVICE: ConnectorId = { idx: 20, val: 1 };
export const BARE: ConnectorId = { idx: 20, val: 2 };
/** The address of the peer that replays, forges and floods. */
export const HOSTILE: Peer = 900;
/** What the intruder may call: it is of no interest to anybody. */
export const HARM: ConnectorId = { idx: 20, val: 3 };

/** What the world did to its endpoints, counted. */
export interface Deeds {
  crashes: number;
  partitions: number;
  drains: number;
  cancellations: number;
  stalls: number;
  replays: number;
  forgeries: number;
  floods: number;
  impersonations: number;
  intrusions: number;
  jumps: number;
  eventReplays: number;
  eventForgeries: number;
  eventImpersonations: number;
}

/** What all actors of a seed share. */
export class Stage {
  readonly plan: Plan;
  readonly clock: VirtualClock;
  readonly trace: Trace;
  readonly network: SimulatedNetwork;
  readonly ledger: Ledger;
  readonly bare: BareBook;
  readonly events: EventBook;
  readonly wire: Wire;
  readonly random: SeededRandom;
  readonly deeds: Deeds = {
    crashes: 0, partitions: 0, drains: 0, cancellations: 0, stalls: 0,
    replays: 0, forgeries: 0, floods: 0, impersonations: 0, intrusions: 0, jumps: 0,
    eventReplays: 0, eventForgeries: 0, eventImpersonations: 0,
  };
  /** Resolves when the faults stop. */
  readonly calmed: Promise<void>;
  /** Resolves when the calls are used up. */
  readonly spent: Promise<void>;
  readonly #pressure: { -readonly [Name in keyof Pressure]: Pressure[Name] };
  readonly #addresses = new Set<Peer>();
  #calmMs = Infinity;
  #callsLeft: number;
  #eventsLeft: number;
  #settleCalm!: () => void;
  #settleSpent!: () => void;

  constructor(plan: Plan, clock: VirtualClock, trace: Trace) {
    this.plan = plan;
    this.clock = clock;
    this.trace = trace;
    this.random = new SeededRandom(plan.seed).fork('story');
    const now = (): number => clock.now();
    this.ledger = new Ledger(now, trace);
    this.bare = new BareBook(now, this.ledger, plan.intact);
    const allowance = { wayMs: wayOf(plan), jumps: plan.chaos.jumps > 0, hostile: HOSTILE };
    this.events = new EventBook(now, this.ledger, trace, allowance);
    this.wire = new Wire((payload) => this.bare.sent(payload));
    this.#pressure = { ...plan.pressure };
    this.#callsLeft = plan.callsMax;
    this.#eventsLeft = plan.events?.publishedMax ?? 0;
    const { fifo, intact } = plan;
    this.network = new SimulatedNetwork({
      clock,
      random: this.random,
      faults: plan.faults,
      memory: this.#pressure, // looked at anew for each allocation, so that it can end
      reportsDeath: plan.reportsDeath,
      traits: { ...(fifo ? {} : { fifo: false }), ...(intact ? {} : { intact: false }) },
    });
    this.calmed = new Promise((resolve) => (this.#settleCalm = resolve));
    this.spent = new Promise((resolve) => (this.#settleSpent = resolve));
  }

  /** True once the faults have stopped. */
  get calm(): boolean {
    return this.#calmMs < Infinity;
  }

  /** When they stopped. */
  get calmMs(): number {
    return this.#calmMs;
  }

  get callsLeft(): number {
    return this.#callsLeft;
  }

  /** Takes up to `wanted` of the calls that are left. */
  takeCalls(wanted: number): number {
    const taken = Math.min(wanted, this.#callsLeft);
    this.#callsLeft -= taken;
    if (this.#callsLeft === 0) this.#settleSpent();
    return taken;
  }

  /** Takes up to `wanted` of the events that are left. */
  takeEvents(wanted: number): number {
    const taken = Math.min(wanted, this.#eventsLeft);
    this.#eventsLeft -= taken;
    return taken;
  }

  /** Notes an address that is used, so that its links can be cleaned. */
  settle(address: Peer): void {
    this.#addresses.add(address);
  }

  /** All faults stop, but for what is on its way already. */
  endFaults(): void {
    this.trace.note('net', 'all faults stop');
    this.network.heal();
    const { delayMs } = this.plan.faults;
    for (const from of this.#addresses) {
      for (const to of this.#addresses) {
        this.network.link(from, to).set(delayMs === undefined ? {} : { delayMs });
      }
    }
    this.#pressure.kernel = 0;
    this.#pressure.atomic = 0;
    this.#calmMs = this.clock.now();
    this.#settleCalm();
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.clock.at(this.clock.now() + ms, resolve));
  }

  /** Sleeps until something happens that comes `perSecond` times a second on average. */
  pause(random: SeededRandom, perSecond: number): Promise<void> {
    return this.sleep((-Math.log(1 - random.fraction()) * 1000) / perSecond);
  }
}

/** The longest way of a datagram, ms; no end where it may be replayed. */
function wayOf({ faults, parties, events }: Plan): number {
  const { duplicate = 0, duplicateDelayMs, reorder = 0, reorderDelayMs, delayMs } = faults;
  if ((events?.forgery.impersonations ?? 0) > 0) return Infinity;
  const copied = duplicate > 0 ? (duplicateDelayMs?.max ?? 0) : 0;
  const held = reorder > 0 ? (reorderDelayMs?.max ?? 0) : 0;
  const reading = Math.max(...parties.map(({ readDelayMs }) => readDelayMs));
  return (delayMs?.max ?? 0) + held + copied + reading;
}
