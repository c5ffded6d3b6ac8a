/** Somebody who may go to sleep. */
export interface Sleeper {
  /** Goes to sleep if there is no reason against it; false if there is one. */
  sleep(now: number): boolean;
}

/** Looked at in one turn: to put one to sleep takes 5 to 20 microseconds. */
const LOOKS_MAX = 64;

/**
 * Who is awake, looked at every `everyMs`, each for the first time when at least so much has passed
 * since it was noted. Nothing is filed or moved while one is busy: it costs one look in that time.
 */
export class Vigil<T extends Sleeper> {
  readonly #everyMs: number;
  /** Noted since the last round began, or looked at in it; and those it has not come to. */
  #next = new Set<T>();
  #left = new Set<T>();
  #roundAt = Infinity;

  constructor(everyMs: number) {
    this.#everyMs = everyMs;
  }

  /** How many are awake. */
  get size(): number {
    return this.#next.size + this.#left.size;
  }

  note(sleeper: T): void {
    this.#next.add(sleeper);
  }

  forget(sleeper: T): void {
    this.#next.delete(sleeper);
    this.#left.delete(sleeper);
  }

  /** When to call `handleTimeout`; Infinity while all sleep. */
  pollTimeout(now: number): number {
    if (this.#roundAt === Infinity && this.size > 0) this.#roundAt = now + this.#everyMs;
    return this.#roundAt;
  }

  /** Looks at some of those whose time has come. */
  handleTimeout(now: number): void {
    if (now < this.#roundAt) return;
    let looks = 0;
    for (const sleeper of this.#left) {
      if (looks++ === LOOKS_MAX) return; // the rest in the next turn
      this.#left.delete(sleeper);
      if (!sleeper.sleep(now)) this.#next.add(sleeper);
    }
    this.#left = this.#next;
    this.#next = new Set();
    this.#roundAt = Infinity;
  }
}
