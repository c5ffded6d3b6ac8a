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
    const number = this.#numbers[this.#taken++]!;
    // What comes out of an array of doubles is an object to V8, also if it is whole. In a field
    // that held small integers it would have all compiled code thrown away that reads the field.
    return (number | 0) === number ? number | 0 : number;
  }
}
