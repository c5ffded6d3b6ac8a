import { required } from '../core/errors.ts';
import type { SeededRandom } from '../core/random.ts';

/**
 * The fault model of one link, one way, shared by the simulated network and by `faulty`. Pure: time
 * and chance are handed in, nothing is scheduled here. Two promises of a transport follow from a
 * configuration: order (`keepsOrder`) and unharmed bytes (`keepsBytes`).
 */

/** Bounds a value drawn uniformly, both ends included. */
export interface Range {
  readonly min: number;
  readonly max: number;
}

/**
 * Loss in bursts, after Gilbert and Elliott: the link is good or bad, and before each datagram goes
 * from good to bad with probability `enter`, back with `leave`. In the bad state a datagram is lost
 * with probability `loss`, in the good one with `Faults.loss`. So a bad spell lasts 1 / leave
 * datagrams on average, and a share enter / (enter + leave) of all datagrams meets one.
 */
export interface Burst {
  readonly enter: number;
  readonly leave: number;
  readonly loss: number;
}

/**
 * The narrowest place of a way: a queue that is served `perSecond` times a second, whatever the
 * length of a datagram, and has so many places, the one being served included. What finds it full
 * is lost, and counted in `lost`; nobody is told.
 */
export interface Bottleneck {
  readonly perSecond: number;
  readonly places: number;
}

/** What a link does to datagrams. Probabilities are 0 … 1 and default to 0; times are in ms. */
export interface Faults {
  readonly loss?: number;
  readonly burst?: Burst;
  /** That a second copy arrives. The copy is not subject to `loss`: it may arrive alone. */
  readonly duplicate?: number;
  /** How long after the original's time the copy comes; 0 by default, minutes make it a replay. */
  readonly duplicateDelayMs?: Range;
  /** That a datagram is held back, so that later ones overtake it. */
  readonly reorder?: number;
  /** How long it is held back; 1 … 5 by default. */
  readonly reorderDelayMs?: Range;
  /** How long the way takes, drawn for each datagram: a real range reorders without `reorder`. */
  readonly delayMs?: Range;
  /** That bits are flipped, and how many at most (8 by default). At least one really changes. */
  readonly corrupt?: number;
  readonly corruptBits?: number;
  /** That the end is cut off. At least a byte stays, at least a byte goes. */
  readonly truncate?: number;
  /** That a copy with flipped bits arrives as well, right behind the original or instead of it. */
  readonly mutate?: number;
  readonly bottleneck?: Bottleneck;
}

/** What became of one datagram. A time of Infinity is never; both may be. */
export interface Fate {
  /** Counts the datagrams of the link from 1, in the order of sending. */
  readonly number: number;
  readonly arrivesAt: number;
  readonly copyArrivesAt: number;
  /** The copy is to be damaged, whatever chance says. */
  readonly mutated: boolean;
}

/** Counts what a link did to datagrams. */
export interface LinkCounters {
  lost: number;
  duplicated: number;
  /**
   * Datagrams that arrived after a later one of the same link had: those actually overtaken, as RFC
   * 4737 counts, not those held back. A second copy is never counted; it is in `duplicated`.
   */
  reordered: number;
  corrupted: number;
  truncated: number;
}

/** What a link must not break, whatever faults are set later: a transport's traits are for life. */
export interface Promises {
  readonly fifo: boolean;
  readonly intact: boolean;
}

const NOTHING: Range = { min: 0, max: 0 };

/**
 * Whether a link with these faults never lets a datagram overtake another. Losing does not disturb
 * order, nor does duplicating: what order is for (`Traits.fifo`) is to call a missing number lost
 * as soon as a later one is there. A late copy of a number that has arrived opens no gap; the late
 * copy of a lost one comes after its number was rightly called lost, and is one more duplicate.
 */
export function keepsOrder(faults: Faults): boolean {
  const { min, max } = faults.delayMs ?? NOTHING;
  return (faults.reorder ?? 0) === 0 && min === max;
}

/** Whether bytes pass a link with these faults unharmed. */
export function keepsBytes(faults: Faults): boolean {
  const { corrupt = 0, truncate = 0, mutate = 0 } = faults;
  return corrupt === 0 && truncate === 0 && mutate === 0;
}

/** One direction between two peers: decides for each datagram what arrives, when, how damaged. */
export class Link {
  readonly counters: LinkCounters = {
    lost: 0,
    duplicated: 0,
    reordered: 0,
    corrupted: 0,
    truncated: 0,
  };

  readonly #fateRandom: SeededRandom;
  readonly #damageRandom: SeededRandom;
  readonly #mutationRandom: SeededRandom;
  readonly #promises: Promises;
  readonly #fate = { number: 0, arrivesAt: Infinity, copyArrivesAt: Infinity, mutated: false };
  #faults!: Required<Faults>;
  #perfect!: boolean;
  #bad = false;
  #lastArrival = 0;
  /** When the bottleneck has served all that is in it. */
  #servedAt = 0;
  #highestArrived = 0;

  /** `random` is the link's own; a draw for one fault never shifts the draws for another. */
  constructor(faults: Faults, random: SeededRandom, promises: Promises) {
    this.#fateRandom = random.fork('fate');
    this.#damageRandom = random.fork('damage');
    this.#mutationRandom = random.fork('mutation');
    this.#promises = promises;
    this.set(faults);
  }

  /** Replaces the faults, for datagrams sent from now on. */
  set(faults: Faults): void {
    this.#faults = complete(faults);
    required(
      keepsOrder(faults) || !this.#promises.fifo,
      'these faults reorder, but the transport promised order (see its traits)',
    );
    required(
      keepsBytes(faults) || !this.#promises.intact,
      'these faults damage bytes, but the transport promised intact ones (see its traits)',
    );
    const { loss, burst, duplicate, reorder, delayMs, mutate, bottleneck } = this.#faults;
    this.#perfect =
      loss + burst.enter + duplicate + reorder + delayMs.max + mutate === 0 &&
      bottleneck.perSecond === Infinity;
    this.#bad = false;
  }

  /** True where datagrams arrive inside the send, as between two sockets of one machine. */
  get immediate(): boolean {
    const { delayMs, bottleneck } = this.#faults;
    return delayMs.max === 0 && bottleneck.perSecond === Infinity;
  }

  /** Decides about one datagram sent at `now`. The object is reused by the next call. */
  decide(now: number): Fate {
    const fate = this.#fate;
    fate.number += 1;
    fate.copyArrivesAt = Infinity;
    if (this.#perfect) {
      fate.arrivesAt = this.#inOrder(now);
      return fate;
    }
    // Always the same number of draws: turning one fault off leaves all others where they were.
    const { loss, burst, delayMs, duplicate, duplicateDelayMs, reorder, reorderDelayMs } =
      this.#faults;
    const random = this.#fateRandom;
    const turns = random.chance(this.#bad ? burst.leave : burst.enter);
    this.#bad = this.#bad !== turns;
    const lost = random.chance(this.#bad ? burst.loss : loss);
    const delay = random.range(delayMs.min, delayMs.max);
    const held = random.chance(reorder);
    const holding = random.range(reorderDelayMs.min, reorderDelayMs.max);
    const copied = random.chance(duplicate);
    const copyDelay = random.range(duplicateDelayMs.min, duplicateDelayMs.max);
    fate.mutated = this.#mutationRandom.chance(this.#faults.mutate);

    const leavesAt = lost ? now : this.#leavesAt(now);
    const gone = lost || leavesAt === Infinity;
    const arrivesAt = this.#inOrder((gone ? now : leavesAt) + delay + (held ? holding : 0));
    fate.arrivesAt = gone ? Infinity : arrivesAt;
    if (gone) this.counters.lost += 1;
    if (copied || fate.mutated) {
      fate.copyArrivesAt = arrivesAt + copyDelay;
      this.counters.duplicated += 1;
    }
    return fate;
  }

  /**
   * Damages a datagram, or not, in place; gives its new length. `surely`: bits are flipped,
   * whatever chance says.
   */
  damage(bytes: Uint8Array, start: number, length: number, surely = false): number {
    if (this.#promises.intact) return length;
    const { corrupt, corruptBits, truncate } = this.#faults;
    const random = this.#damageRandom;
    const cut = random.chance(truncate);
    const flip = random.chance(corrupt) || surely;
    if (flip && length > 0) {
      this.#flip(bytes, start, length * 8, random.integer(1, corruptBits));
      this.counters.corrupted += 1;
    }
    if (!cut || length < 2) return length;
    this.counters.truncated += 1;
    return random.integer(1, length - 1);
  }

  /** Notes that the original of datagram `number` has arrived. */
  arrived(number: number): void {
    if (number < this.#highestArrived) this.counters.reordered += 1;
    else this.#highestArrived = number;
  }

  /** When a datagram that comes to the bottleneck now has been served; Infinity: it is full. */
  #leavesAt(now: number): number {
    const { perSecond, places } = this.#faults.bottleneck;
    if (perSecond === Infinity) return now;
    const serviceMs = 1000 / perSecond;
    const begins = Math.max(now, this.#servedAt);
    // A hair less: a place that becomes free at this very moment is free, whatever was rounded.
    if (begins - now > (places - 0.001) * serviceMs) return Infinity;
    this.#servedAt = begins + serviceMs;
    return this.#servedAt;
  }

  /** On a link that promised order, keeps it even where `set` has shortened the way. */
  #inOrder(at: number): number {
    if (!this.#promises.fifo) return at;
    this.#lastArrival = Math.max(this.#lastArrival, at);
    return this.#lastArrival;
  }

  #flip(bytes: Uint8Array, start: number, bits: number, count: number): void {
    const first = this.#damageRandom.integer(0, bits - 1);
    for (let flipped = 0; flipped < count; flipped++) {
      const bit = flipped === 0 ? first : this.#damageRandom.integer(0, bits - 1);
      if (flipped > 0 && bit === first) continue; // flipped back, the damage might be none at all
      const at = start + (bit >> 3);
      bytes[at] = bytes[at]! ^ (1 << (bit & 7));
    }
  }
}

/** Checks a configuration, throwing `invalid-argument`, and fills in the defaults. */
function complete(faults: Faults): Required<Faults> {
  const burst = faults.burst ?? { enter: 0, leave: 1, loss: 0 };
  const complete: Required<Faults> = {
    loss: probability('loss', faults.loss),
    burst: {
      enter: probability('burst.enter', burst.enter),
      leave: probability('burst.leave', burst.leave),
      loss: probability('burst.loss', burst.loss),
    },
    duplicate: probability('duplicate', faults.duplicate),
    duplicateDelayMs: range('duplicateDelayMs', faults.duplicateDelayMs, NOTHING),
    reorder: probability('reorder', faults.reorder),
    reorderDelayMs: range('reorderDelayMs', faults.reorderDelayMs, { min: 1, max: 5 }),
    delayMs: range('delayMs', faults.delayMs, NOTHING),
    corrupt: probability('corrupt', faults.corrupt),
    corruptBits: faults.corruptBits ?? 8,
    truncate: probability('truncate', faults.truncate),
    mutate: probability('mutate', faults.mutate),
    bottleneck: faults.bottleneck ?? { perSecond: Infinity, places: 1 },
  };
  const { perSecond, places } = complete.bottleneck;
  required(perSecond > 0, 'faults.bottleneck.perSecond is above 0');
  required(Number.isInteger(places) && places > 0, 'faults.bottleneck.places is a whole number');
  const bits = complete.corruptBits;
  required(Number.isInteger(bits) && bits >= 1 && bits <= 64, 'faults.corruptBits is 1 … 64');
  return complete;
}

function probability(name: string, value = 0): number {
  required(value >= 0 && value <= 1, `faults.${name} is a probability, 0 … 1`);
  return value;
}

function range(name: string, value: Range | undefined, fallback: Range): Range {
  const { min, max } = value ?? fallback;
  required(min >= 0 && max >= min && max < Infinity, `faults.${name} is 0 <= min <= max, in ms`);
  return { min, max };
}
