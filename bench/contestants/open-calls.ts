type Taker = (payload: Uint8Array) => void;

/**
 * The open calls of those that have no table of their own, by number. Numbers are places in an
 * array and used again. A Map would be a handicap: when V8 has promoted it, each table that it has
 * outgrown keeps the next one alive, and a scavenge takes ten milliseconds instead of half of one.
 */
export class OpenCalls {
  /** Nobody has number 0. */
  readonly #takers: (Taker | undefined)[] = [undefined];
  readonly #free: number[] = [];

  /** Gives the number of a new call. */
  add(taker: Taker): number {
    const number = this.#free.pop() ?? this.#takers.length;
    this.#takers[number] = taker;
    return number;
  }

  /** Gives a call its reply, unless it had one. */
  settle(number: number, payload: Uint8Array): void {
    const taker = this.#takers[number];
    if (taker === undefined) return;
    this.#takers[number] = undefined;
    this.#free.push(number);
    taker(payload);
  }
}
