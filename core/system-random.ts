import { randomFillSync } from 'node:crypto';
import type { Random } from './random.ts';

/** Words drawn from the system at a time: one system call serves as many calls as this. */
const BATCH = 1024;

/** The operating system's cryptographic generator, drawn in batches (semantics 1). */
export class SystemRandom implements Random {
  readonly #words = new Uint32Array(BATCH);
  #used = BATCH;

  u32(): number {
    if (this.#used === BATCH) {
      randomFillSync(this.#words);
      this.#used = 0;
    }
    return this.#words[this.#used++]!;
  }
}
