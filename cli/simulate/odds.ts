import type { SeededRandom } from '../../core/random.ts';

/** One of several, all alike. */
export function pick<T>(random: SeededRandom, choices: readonly T[]): T {
  return choices[random.integer(0, choices.length - 1)]!;
}

/** `value` with the given probability, else 0: most faults are absent from most worlds. */
export function maybe(random: SeededRandom, probability: number, value: number): number {
  return random.chance(probability) ? value : 0;
}
