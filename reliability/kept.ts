import { assert } from '../core/assert.ts';

/**
 * What machines that sleep are made again from: numbers, taken in the order in which they were put.
 * An array of doubles takes 8 bytes each, where a field that holds one takes 24.
 */
export class Kept {
  readonly #numbers: number[];
  #taken = 0;

  /** Begins with nothing, or with what `numbers` gave when the machines went to sleep. */
  constructor(numbers: readonly number[] = []) {
    this.#numbers = [...numbers];
  }

  /** A copy without room for more. */
  get numbers(): readonly number[] {
    return this.#numbers.slice();
  }

  /** True once all was taken that was put. */
  get used(): boolean {
    return this.#taken === this.#numbers.length;
  }

  put(...numbers: readonly number[]): void {
    for (const number of numbers) this.#numbers.push(number);
  }

  take(): number {
    assert(!this.used, 'no more is taken than was put');
    return this.#numbers[this.#taken++]!;
  }
}
