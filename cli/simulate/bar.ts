const WIDTH = 30;

/** A bar on stderr that says how many seeds are done; nothing where stderr is no terminal. */
export class SeedBar {
  readonly #total: number;
  readonly #shown: boolean;
  #done = 0;
  #failed = 0;

  constructor(total: number, wanted: boolean) {
    this.#total = total;
    this.#shown = wanted && process.stderr.isTTY;
  }

  /** One more seed is done. */
  add(passed: boolean): void {
    this.#done += 1;
    if (!passed) this.#failed += 1;
    if (!this.#shown) return;
    const filled = Math.floor((this.#done / this.#total) * WIDTH);
    const bar = '#'.repeat(filled) + '.'.repeat(WIDTH - filled);
    const failed = this.#failed === 0 ? '' : `, ${this.#failed} failed`;
    process.stderr.write(`\r[${bar}] ${this.#done} of ${this.#total} seeds${failed}\x1b[K`);
  }

  /** Takes the bar away. */
  clear(): void {
    if (this.#shown) process.stderr.write('\r\x1b[K');
  }
}
