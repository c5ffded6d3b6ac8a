/**
 * For so long after the last datagram, ms, the queue is looked at again instead of slept on. Two
 * processes need half of it to fall asleep and be woken (docs/PERFORMANCE.md); the other half is
 * for what the peer does meanwhile.
 */
const LOOK_MS = 0.2;
/**
 * For so long at most, ms, if looking has been worth it for as long: V8's collector stops a busy
 * peer for half a millisecond fifty times a second. Who falls asleep meanwhile has to be woken, by
 * a peer that then waits too long for the answer, and both go on so for many batches.
 */
const LOOK_MAX_MS = 1;
/** After so many vain looks in a row, 2^6 - 1 batches pass before the next one. */
const MISSES_MAX = 6;

/**
 * Decides whether an empty queue is worth another look. Between processes that answer each other at
 * once, most of a round trip is the way into the kernel's sleep and out of it; where looking finds
 * nothing it is soon given up, so that a reader whom nobody hurries costs what it did. No more than
 * half of the time that it takes is in vain, but for the first fifth of a millisecond. Sans-IO.
 */
export class Lookout {
  /** When it began to look, and until when it looks on. */
  #since = 0;
  #until = 0;
  #looking = false;
  /** Something was found since it began. */
  #fruitful = false;
  #misses = 0;
  /** Batches to let pass. */
  #skip = 0;

  /** Something came. Gives whether to look on for more. */
  found(now: number): boolean {
    if (this.#looking) {
      this.#fruitful = true;
      this.#misses = 0;
    } else if (this.#skip > 0) {
      this.#skip -= 1;
      return false;
    } else {
      this.#looking = true;
      this.#fruitful = false;
      this.#since = now;
    }
    this.#until = now + Math.min(Math.max(now - this.#since, LOOK_MS), LOOK_MAX_MS);
    return true;
  }

  /** Nothing was there. Gives whether to look again. */
  missed(now: number): boolean {
    if (now < this.#until) return true;
    this.#looking = false;
    if (this.#fruitful) return false;
    this.#misses = Math.min(this.#misses + 1, MISSES_MAX);
    this.#skip = 2 ** this.#misses - 1;
    return false;
  }
}
