import { createEndpoint, SeededRandom, VirtualClock } from '../../index.ts';
import type { Endpoint, Limits } from '../../index.ts';
import { SimulatedNetwork, type NetworkOptions } from '../../transport/simulated/network.ts';

/** The connector id that the stories are told with. */
export const ID = { idx: 20, val: 1 };

/** A seeded network in virtual time, and endpoints on it. */
export class World {
  readonly clock: VirtualClock = new VirtualClock();
  readonly network: SimulatedNetwork;
  readonly #random: SeededRandom;
  #endpoints = 0;

  constructor(options: Omit<NetworkOptions, 'clock'> = {}) {
    this.network = new SimulatedNetwork({ clock: this.clock, ...options });
    this.#random = new SeededRandom(options.seed ?? 1);
  }

  /** An endpoint at an address. One made anew at the same address is a new incarnation. */
  endpoint(address: number, limits: Partial<Limits> = {}, receiveBuffer = 212_992): Endpoint {
    this.#endpoints += 1;
    return createEndpoint({
      transport: this.network.open({ address, receiveBuffer }),
      clock: this.clock,
      random: this.#random.fork(`endpoint ${this.#endpoints}`),
      limits,
    });
  }

  /** Runs until the story is over. */
  run<T>(story: () => Promise<T>): Promise<T> {
    return this.clock.run(story());
  }

  /** Lets what is under way arrive; gives the number of timers that are left after that. */
  async timersLeft(): Promise<number> {
    await this.clock.advance(600_000);
    return this.clock.pending;
  }

  /** Resolves after `ms` of virtual time. */
  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.clock.at(this.clock.now() + ms, resolve));
  }
}

/** A promise and the functions that settle it: Node 20 has no `Promise.withResolvers`. */
export function deferred<T = void>(): {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
} {
  let resolve!: (value: T) => void;
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
