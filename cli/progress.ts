const BAR = 30;

/** A bar on stderr that says how far something is; nothing where stderr is no terminal. */
export class Progress {
  readonly #total: number;
  readonly #units: string;
  readonly #began = performance.now();
  readonly shown: boolean;
  #drawn = false;

  constructor(total: number, wanted: boolean, units = 'calls') {
    this.#total = total;
    this.#units = units;
    this.shown = wanted && process.stderr.isTTY;
  }

  show(done: number): void {
    if (!this.shown) return;
    const share = done / this.#total;
    const filled = Math.round(share * BAR);
    const bar = '#'.repeat(filled) + '.'.repeat(BAR - filled);
    const rate = Math.round((done * 1000) / (performance.now() - this.#began));
    const percent = String(Math.floor(share * 100)).padStart(3);
    process.stderr.write(`\r[${bar}] ${percent} %  ${done} ${this.#units}  ${rate}/s\x1b[K`);
    this.#drawn = true;
  }

  /** Takes the bar away. */
  clear(): void {
    if (this.#drawn) process.stderr.write('\r\x1b[K');
    this.#drawn = false;
  }
}
