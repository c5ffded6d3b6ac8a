/** A peer heard from within this time, or up to twice as long ago, is active. */
const ACTIVE_MS = 100;

/**
 * Who was heard from lately, in two generations that take turns: noting costs one Set operation,
 * and nobody is ever searched for. An idle session is in neither, so a thousand of them cost
 * nothing.
 */
export class Activity<T> {
  #recent = new Set<T>();
  #earlier = new Set<T>();
  #since = 0;

  note(item: T, now: number): void {
    this.#turn(now);
    this.#recent.add(item);
    this.#earlier.delete(item);
  }

  /** How many are active. */
  count(now: number): number {
    this.#turn(now);
    return this.#recent.size + this.#earlier.size;
  }

  items(now: number): T[] {
    this.#turn(now);
    return [...this.#recent, ...this.#earlier];
  }

  forget(item: T): void {
    this.#recent.delete(item);
    this.#earlier.delete(item);
  }

  #turn(now: number): void {
    const passed = now - this.#since;
    if (passed < ACTIVE_MS) return;
    this.#earlier = passed < 2 * ACTIVE_MS ? this.#recent : new Set();
    this.#recent = new Set();
    this.#since = now;
  }
}
