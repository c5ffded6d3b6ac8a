interface Keyed {
  readonly seq: number;
}

const SLOTS_AT_FIRST = 8;

/**
 * A table of things keyed by their sequence number. Numbers are handed out one after the other, so
 * a ring indexed by `seq % size` finds almost everything in one step (a Map takes five times as
 * long, native-io.md §3). The few that outlive a whole turn of the ring, such as one slow call
 * among many fast ones, move to a Map.
 */
export class SeqTable<T extends Keyed> {
  #slots: (T | undefined)[] = new Array<T | undefined>(SLOTS_AT_FIRST).fill(undefined);
  readonly #displaced = new Map<number, T>();
  #count = 0;

  get size(): number {
    return this.#count;
  }

  get(seq: number): T | undefined {
    const entry = this.#slots[seq & (this.#slots.length - 1)];
    if (entry !== undefined && entry.seq === seq) return entry;
    return this.#displaced.size === 0 ? undefined : this.#displaced.get(seq);
  }

  /** Adds an entry whose number is not in the table. */
  add(entry: T): void {
    if (this.#count >= this.#slots.length) this.#grow();
    this.#count += 1;
    this.#place(entry);
  }

  delete(seq: number): boolean {
    const index = seq & (this.#slots.length - 1);
    if (this.#slots[index]?.seq === seq) {
      this.#slots[index] = undefined;
    } else if (!this.#displaced.delete(seq)) {
      return false;
    }
    this.#count -= 1;
    return true;
  }

  /** All entries, in no particular order. */
  *values(): Generator<T> {
    for (const entry of this.#slots) if (entry !== undefined) yield entry;
    yield* this.#displaced.values();
  }

  #place(entry: T): void {
    const index = entry.seq & (this.#slots.length - 1);
    const older = this.#slots[index];
    if (older !== undefined) this.#displaced.set(older.seq, older);
    this.#slots[index] = entry;
  }

  #grow(): void {
    const entries = [...this.values()];
    this.#slots = new Array<T | undefined>(this.#slots.length * 2).fill(undefined);
    this.#displaced.clear();
    for (const entry of entries) this.#place(entry);
  }
}
