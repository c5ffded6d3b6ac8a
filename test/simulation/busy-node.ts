import type { Clock, VirtualClock } from '../../index.ts';
import type { ConnectorId } from '../../core/id.ts';
import type { Timer } from '../../core/clock.ts';
import { Slab } from '../../core/slab.ts';
import type { SimulatedTransport } from '../../transport/simulated/network.ts';
import type { Peer, SendOutcome, Sink, Transport } from '../../transport/transport.ts';

/**
 * A process whose one thread has work to do: `spend` takes time, and until it has passed nothing
 * is read, no timer fires and nothing leaves; its clock is ahead of the world's by as much.
 */
export class BusyNode implements Clock, Transport {
  readonly grainMs: number;
  readonly #clock: VirtualClock;
  readonly #inner: SimulatedTransport;
  #busyUntil = 0;

  constructor(clock: VirtualClock, inner: SimulatedTransport) {
    this.#clock = clock;
    this.#inner = inner;
    this.grainMs = clock.grainMs;
  }

  /** Works for so long. */
  spend(ms: number): void {
    this.#busyUntil = this.#inner.stall(ms);
  }

  now(): number {
    return Math.max(this.#clock.now(), this.#busyUntil);
  }

  timer(fire: () => void): Timer {
    const rest = (): void => {
      if (this.now() > this.#clock.now()) timer.arm(this.#busyUntil);
      else fire();
    };
    // A step later in the same instant: what is to be read then comes first, as in an event loop.
    const timer = this.#clock.timer(() => this.#clock.at(this.#clock.now(), rest));
    return timer;
  }

  get traits(): Transport['traits'] {
    return this.#inner.traits;
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
    if (this.#clock.now() >= this.#busyUntil) return this.#inner.send(slab, start, end, peer);
    const bytes = new Slab(slab.bytes.slice(start, end));
    this.#clock.at(this.#busyUntil, () => this.#inner.send(bytes, 0, end - start, peer));
    return 'sent';
  }

  multicast(slab: Slab, start: number, end: number, group: number): SendOutcome {
    return this.#inner.multicast(slab, start, end, group);
  }

  join(group: number): void {
    this.#inner.join(group);
  }

  leave(group: number): void {
    this.#inner.leave(group);
  }

  close(): void {
    this.#inner.close();
  }
}
