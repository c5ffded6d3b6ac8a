import type { Clock } from '../../../core/clock.ts';
import type { SeededRandom } from '../../../core/random.ts';
import type { Memory } from '../memory.ts';
import { ParcelPool } from '../parcel.ts';
import type { SimulatedProcess } from './process.ts';
import type { Release } from './release.ts';

/**
 * Who may wait for memory, by the kernel's names: GFP_KERNEL sleeps until there is some and seldom
 * fails; GFP_ATOMIC and GFP_NOWAIT fail under pressure (KF §6.5 #3).
 */
export type Gfp = 'GFP_KERNEL' | 'GFP_ATOMIC' | 'GFP_NOWAIT';

/** The limits that sysctl net.core sets for socket buffers, bytes. */
export interface BufferLimits {
  readonly receiveDefault: number;
  readonly receiveMax: number;
  readonly sendDefault: number;
  readonly sendMax: number;
}

/** What all parts of one simulated kernel share. */
export class Machine {
  readonly clock: Clock;
  readonly release: Release;
  readonly buffers: BufferLimits;
  /** Lends the memory of datagrams. None is given back: a reader may keep what it read. */
  readonly pool: ParcelPool = new ParcelPool();
  /** For portids that the kernel chooses. */
  readonly portids: SeededRandom;
  /** The process whose system call runs, while an agent's callback runs inside of it. */
  running: SimulatedProcess | undefined;
  readonly #memory: Memory;
  readonly #random: SeededRandom;

  constructor(
    clock: Clock,
    release: Release,
    buffers: BufferLimits,
    memory: Memory,
    random: SeededRandom,
  ) {
    this.clock = clock;
    this.release = release;
    this.buffers = buffers;
    this.portids = random.fork('portids');
    this.#memory = memory;
    this.#random = random.fork('allocations');
  }

  /** Whether an allocation succeeds now. */
  allocates(gfp: Gfp): boolean {
    const allocation = gfp === 'GFP_KERNEL' ? 'kernel' : 'atomic';
    return !this.#memory.fails(allocation, this.clock.now(), this.#random);
  }
}
