import { LITTLE_ENDIAN } from '../../core/slab.ts';
import { loadLibc } from './binding.ts';
import type { Libc } from './binding.ts';

/** Bytes of a CPU mask: 8192 CPUs, the most that Linux can be built for. */
const MASK = 1024;
const CALLING_THREAD = 0;

/**
 * Runs code of this thread on a CPU of choice. An agent in the kernel runs inside our send (KF
 * §2.3), so this decides on which CPU it does its work.
 */
export class Affinity {
  readonly #libc: Libc;
  readonly #masks = new Uint8Array(2 * MASK);
  readonly #own: Uint8Array;
  readonly #one: Uint8Array;
  readonly #ownAddress: number;
  readonly #oneAddress: number;

  /** Throws `unavailable` where the C library cannot be called. */
  constructor() {
    this.#libc = loadLibc();
    this.#own = this.#masks.subarray(0, MASK);
    this.#one = this.#masks.subarray(MASK);
    this.#ownAddress = this.#libc.addressOf(this.#masks);
    this.#oneAddress = this.#ownAddress + MASK;
  }

  /**
   * Runs `work` on `cpu` and moves the thread back to where it may run otherwise. Where the system
   * does not allow that CPU (a cpuset, or it went offline) `work` runs all the same, anywhere.
   */
  on<T>(cpu: number, work: () => T): T {
    const libc = this.#libc;
    this.#own.fill(0);
    if (libc.sched_getaffinity(CALLING_THREAD, MASK, this.#ownAddress) < 0) return work();
    this.#one.fill(0);
    // The mask is an array of longs: on a big-endian machine the bytes of each are the other way.
    this.#one[byteOf(cpu)] = 1 << (cpu & 7);
    if (libc.sched_setaffinity(CALLING_THREAD, MASK, this.#oneAddress) < 0) return work();
    try {
      return work();
    } finally {
      libc.sched_setaffinity(CALLING_THREAD, MASK, this.#ownAddress);
    }
  }
}

function byteOf(cpu: number): number {
  const byte = cpu >> 3;
  return LITTLE_ENDIAN ? byte : byte ^ 7;
}
