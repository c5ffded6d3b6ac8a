import { required } from '../../core/errors.ts';
import type { SeededRandom } from '../../core/random.ts';

/**
 * Who waits for memory. `kernel` (GFP_KERNEL) is a sender's own allocation, which may sleep and
 * seldom fails; `atomic` (GFP_ATOMIC, GFP_NOWAIT) is made where nobody can wait: clones for the
 * members of a group, buffers for what comes in from a network, a kernel agent's own messages.
 */
export type Allocation = 'kernel' | 'atomic';

/**
 * Memory pressure comes in spells: memory is ample for a while, then short for a while. Lengths are
 * uniform between half and one and a half times the mean. Only in a short spell do allocations
 * fail, each by itself, with its class's probability.
 */
export interface Pressure {
  readonly ampleMs: number;
  readonly shortMs: number;
  readonly kernel: number;
  readonly atomic: number;
}

const pressures = {
  none: { ampleMs: 1, shortMs: 0, kernel: 0, atomic: 0 },
  moderate: { ampleMs: 100, shortMs: 10, kernel: 0.05, atomic: 0.2 },
  severe: { ampleMs: 20, shortMs: 10, kernel: 0.2, atomic: 0.5 },
} satisfies Record<string, Pressure>;

/** Chooses how short memory is, by a name or by numbers. */
export type MemoryOption = 'none' | 'moderate' | 'severe' | Pressure;

/** The memory of one simulated machine. Its spells follow the clock alone, not who asks when. */
export class Memory {
  readonly #pressure: Pressure;
  readonly #random: SeededRandom;
  #short = false;
  #turnsAt: number;

  constructor(option: MemoryOption, now: number, random: SeededRandom) {
    const pressure = typeof option === 'string' ? pressures[option] : option;
    required(pressure !== undefined, 'memory is none, moderate, severe or a Pressure');
    const { ampleMs, shortMs, kernel, atomic } = pressure;
    required(shortMs >= 0 && ampleMs > 0, 'memory: ampleMs > 0, shortMs >= 0');
    required(kernel >= 0 && kernel <= 1, 'memory.kernel is a probability, 0 … 1');
    required(atomic >= 0 && atomic <= 1, 'memory.atomic is a probability, 0 … 1');
    this.#pressure = pressure;
    this.#random = random;
    this.#turnsAt = pressure.kernel + pressure.atomic === 0 ? Infinity : now + this.#spell(ampleMs);
  }

  /** Whether an allocation fails now. `random` belongs to who allocates. */
  fails(allocation: Allocation, now: number, random: SeededRandom): boolean {
    if (this.#turnsAt === Infinity) return false;
    while (now >= this.#turnsAt) {
      this.#short = !this.#short;
      const { ampleMs, shortMs } = this.#pressure;
      this.#turnsAt += this.#spell(this.#short ? shortMs : ampleMs);
    }
    return this.#short && random.chance(this.#pressure[allocation]);
  }

  #spell(meanMs: number): number {
    return this.#random.range(meanMs / 2, meanMs * 1.5);
  }
}
