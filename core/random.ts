/** A source of random 32-bit words. The library never reads a global one: it is handed in. */
export interface Random {
  /** The next word, uniform in 0 … 2^32 - 1. */
  u32(): number;
}

/**
 * A seeded generator (xoshiro128**, seeded through splitmix32) for simulations: the same seed gives
 * the same sequence on every machine. Not for secrets.
 */
export class SeededRandom implements Random {
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  constructor(seed: number) {
    let state = seed >>> 0;
    const next = (): number => {
      state = (state + 0x9e3779b9) >>> 0;
      let word = state ^ (state >>> 16);
      word = Math.imul(word, 0x21f0aaad);
      word ^= word >>> 15;
      word = Math.imul(word, 0x735a2d97);
      return (word ^ (word >>> 15)) >>> 0;
    };
    this.#a = next();
    this.#b = next();
    this.#c = next();
    this.#d = next() | 1; // never all zero, the one state the generator cannot leave
  }

  u32(): number {
    const rotated = Math.imul(this.#b, 5);
    const result = Math.imul((rotated << 7) | (rotated >>> 25), 9) >>> 0;
    const shifted = this.#b << 9;
    this.#c ^= this.#a;
    this.#d ^= this.#b;
    this.#b ^= this.#c;
    this.#a ^= this.#d;
    this.#c ^= shifted;
    this.#d = (this.#d << 11) | (this.#d >>> 21);
    return result;
  }

  /** Uniform in [0, 1). */
  fraction(): number {
    return this.u32() / 0x1_0000_0000;
  }

  /**
   * True with the given probability; draws a word even for 0 and 1, so that streams stay aligned.
   */
  chance(probability: number): boolean {
    return this.fraction() < probability;
  }

  /** A real number uniform in [min, max). */
  range(min: number, max: number): number {
    return min + (max - min) * this.fraction();
  }

  /** A whole number uniform in min … max, both included. */
  integer(min: number, max: number): number {
    return min + Math.floor(this.fraction() * (max - min + 1));
  }

  /**
   * An independent generator named by `label`. Each link and each actor of a simulation gets its
   * own, so that a change in one does not reshuffle the others (craft: one seed replays
   * everything).
   */
  fork(label: string): SeededRandom {
    let hash = 0x811c9dc5;
    for (let at = 0; at < label.length; at++) {
      hash = Math.imul(hash ^ label.charCodeAt(at), 0x01000193);
    }
    return new SeededRandom((this.#a ^ Math.imul(this.#d, 3) ^ hash) >>> 0);
  }
}
