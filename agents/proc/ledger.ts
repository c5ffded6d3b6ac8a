/** Half of the numbers: what is further ahead than this is behind. */
const HALF = 0x8000_0000;

/**
 * Keeps the books on what the kernel numbered: each report consumes one number of the CPU that made
 * it, so what lies between two reports of one CPU was lost (KF §7.5). True for a listener without
 * filter only.
 *
 * The sum of the gaps is compared with the kernel's drop counter at moments of which it is known
 * that every CPU has just been heard and nothing was dropped meanwhile. What the gaps have more was
 * lost before it came to any queue, for want of memory. The counters of both begin somewhere: the
 * first such moment says where.
 */
export class Ledger {
  readonly #next = new Map<number, number>();
  /** Numbers missing since the first report of each CPU. */
  #gaps = 0;
  /** What the drop counter had before the first numbers were known. */
  #before: number | undefined;
  /** How many for want of memory were reported already. */
  #unqueued = 0;

  /** Takes the number of one report. */
  observe(cpu: number, seq: number): void {
    const expected = this.#next.get(cpu);
    this.#next.set(cpu, (seq + 1) >>> 0);
    if (expected === undefined) return;
    const ahead = (seq - expected) >>> 0;
    if (ahead < HALF) {
      this.#gaps += ahead;
      return;
    }
    // Kernels before 4.8 let reports of one CPU overtake each other: this one was taken for lost.
    this.#gaps -= 1;
    this.#next.set(cpu, expected);
  }

  /** All that was ever missing, in the numbers' own count; undefined before the first settling. */
  get missing(): number | undefined {
    return this.#before === undefined ? undefined : this.#gaps + this.#before;
  }

  /** Tells whether more is missing than the drop counter explains, as far as is known. */
  exceeds(drops: number): boolean {
    return this.missing !== undefined && this.missing > drops + this.#unqueued;
  }

  /**
   * Compares, at a moment as described above. Gives how many more were lost for want of memory
   * since the last time.
   */
  settle(drops: number): number {
    this.#before ??= drops - this.#gaps;
    const unqueued = this.#gaps + this.#before - drops;
    const more = Math.max(0, unqueued - this.#unqueued);
    this.#unqueued += more;
    return more;
  }
}
