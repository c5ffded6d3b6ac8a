/** Counts down a time, but only while something holds. */
export class Patience {
  #leftMs: number;
  #since = Infinity;

  constructor(ms: number) {
    this.#leftMs = ms;
  }

  /** When it has run out, if it holds from now on; Infinity while it does not. */
  get endsAt(): number {
    return this.#since + this.#leftMs;
  }

  /** Tells whether it holds from `now` on. */
  note(holds: boolean, now: number): void {
    if (this.#since !== Infinity) this.#leftMs -= now - this.#since;
    this.#since = holds ? now : Infinity;
  }
}
