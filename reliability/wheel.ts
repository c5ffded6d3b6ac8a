/** Something that expires. The wheel threads its slots through these three fields. */
export interface Expiring {
  /** When, in clock time. Infinity: never. */
  readonly deadline: number;
  earlier: Expiring | undefined;
  later: Expiring | undefined;
  /** The slot it is in; below 0 while it is in none. */
  slot: number;
}

const SLOTS = 1024;
const TICK_MS = 1;
/** Values of `slot` for an entry that is in no slot: not added, or about to be expired. */
const NONE = -1;
const DUE = -2;

/**
 * Deadlines of calls: a timing wheel of 1,024 slots of a millisecond. Adding and removing take
 * constant time and no memory, where a timer object takes half a microsecond (native-io.md §3). A
 * deadline further away than a turn stays in its slot until its turn comes. Expiry is never early
 * and at most one tick late.
 */
export class Wheel<T extends Expiring> {
  readonly #slots: (T | undefined)[] = new Array<T | undefined>(SLOTS).fill(undefined);
  #count = 0;
  /** The next tick to be looked at. */
  #tick = 0;
  /** No entry is due before this tick. */
  #earliest = Infinity;

  add(entry: T): void {
    if (entry.deadline === Infinity) return;
    if (this.#count === 0) this.#earliest = Infinity;
    const tick = Math.max(Math.ceil(entry.deadline / TICK_MS), this.#tick);
    const slot = tick % SLOTS;
    const head = this.#slots[slot];
    entry.slot = slot;
    entry.earlier = undefined;
    entry.later = head;
    if (head !== undefined) head.earlier = entry;
    this.#slots[slot] = entry;
    this.#count += 1;
    if (tick < this.#earliest) this.#earliest = tick;
  }

  remove(entry: T): void {
    if (entry.slot < 0) {
      entry.slot = NONE;
      return;
    }
    if (entry.earlier === undefined) this.#slots[entry.slot] = entry.later as T | undefined;
    else entry.earlier.later = entry.later;
    if (entry.later !== undefined) entry.later.earlier = entry.earlier;
    entry.slot = NONE;
    entry.earlier = undefined;
    entry.later = undefined;
    this.#count -= 1;
  }

  /** When `expire` should be called next; it may then find nothing. Infinity while empty. */
  get nextAt(): number {
    return this.#count === 0 ? Infinity : this.#earliest * TICK_MS;
  }

  /** Removes what is due by `now` and gives each to `expired`, which may add and remove entries. */
  expire(now: number, expired: (entry: T) => void): void {
    const last = Math.floor(now / TICK_MS);
    if (this.#count === 0 || this.#earliest > last) {
      this.#tick = Math.max(this.#tick, last);
      return;
    }
    const due: T[] = [];
    const from = Math.max(this.#earliest, last - SLOTS + 1);
    for (let tick = from; tick <= last; tick++) {
      let entry = this.#slots[tick % SLOTS];
      while (entry !== undefined) {
        const next = entry.later as T | undefined;
        if (entry.deadline <= now) {
          this.remove(entry);
          entry.slot = DUE;
          due.push(entry);
        }
        entry = next;
      }
    }
    this.#tick = last + 1;
    this.#earliest = this.#scan(last + 1);
    for (const entry of due) {
      if (entry.slot !== DUE) continue; // removed, or added anew, by the one before
      entry.slot = NONE;
      expired(entry);
    }
  }

  /** The first tick from `from` on whose slot holds anything, be it for a later turn. */
  #scan(from: number): number {
    if (this.#count === 0) return Infinity;
    for (let tick = from; tick < from + SLOTS; tick++) {
      if (this.#slots[tick % SLOTS] !== undefined) return tick;
    }
    return Infinity;
  }
}
