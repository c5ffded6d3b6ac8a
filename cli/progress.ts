const WIDTH = 30;

/** Draws a bar for a share from 0 to 1 on stderr, in place of the one before, and says more. */
export function drawBar(share: number, more: string): void {
  const filled = Math.floor(share * WIDTH);
  const bar = '#'.repeat(filled) + '.'.repeat(WIDTH - filled);
  const percent = String(Math.floor(share * 100)).padStart(3);
  process.stderr.write(`\r[${bar}] ${percent} %  ${more}\x1b[K`);
}

/** Takes the bar away. */
export function clearBar(): void {
  process.stderr.write('\r\x1b[K');
}

/** A bar on stderr that says how far something is; nothing where stderr is no terminal. */
export class Progress {
  readonly #total: number;
  readonly #began = performance.now();
  readonly shown: boolean;
  #drawn = false;

  constructor(total: number, wanted: boolean) {
    this.#total = total;
    this.shown = wanted && process.stderr.isTTY;
  }

  show(done: number): void {
    if (!this.shown) return;
    const rate = Math.round((done * 1000) / (performance.now() - this.#began));
    drawBar(done / this.#total, `${done} calls  ${rate}/s`);
    this.#drawn = true;
  }

  /** Takes the bar away. */
  clear(): void {
    if (this.#drawn) clearBar();
    this.#drawn = false;
  }
}
