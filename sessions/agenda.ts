/** Something that is to be looked at again at a time. */
export interface Scheduled {
  /** When, according to the agenda; Infinity while it is not in it. */
  wakesAt: number;
}

interface Entry<T> {
  readonly at: number;
  readonly item: T;
}

/** Entries that stand for nothing any more, beyond as many as there are items, before a sweep. */
const STALE_MAX = 64;

/**
 * Which sessions have to be looked at when. A binary heap with lazy updates: moving a time *back*
 * costs nothing, because the earlier entry finds nothing to do and files a new one; only a time
 * moved *forward* adds an entry. So a busy session, whose time-outs are put off with every
 * datagram, files about one entry per round trip, and an idle one has none. What a time moved
 * forward leaves behind is swept out before it outgrows the rest: a peer decides how often times
 * move, and what is left behind is for a time far off.
 */
export class Agenda<T extends Scheduled> {
  #heap: Entry<T>[] = [];
  /** Items that are to be looked at. */
  #items = 0;

  /** Entries, those included that stand for nothing any more. */
  get size(): number {
    return this.#heap.length;
  }

  /** When the next entry is due; Infinity if there is none. */
  get nextAt(): number {
    return this.#heap[0]?.at ?? Infinity;
  }

  /**
   * Makes sure that the item is looked at no later than `at`. If it is the next one and is put off,
   * it makes way: who waits for `nextAt` would be woken to find nothing, and short waits are dear.
   */
  file(item: T, at: number): void {
    if (at >= item.wakesAt) {
      if (at !== item.wakesAt && at !== Infinity && this.#heap[0]!.item === item) {
        this.#putOff(item, at);
      }
      return;
    }
    if (item.wakesAt === Infinity) this.#items += 1;
    item.wakesAt = at;
    this.#sweep();
    const heap = this.#heap;
    const entry = { at, item };
    let index = heap.length;
    heap.push(entry);
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (heap[parent]!.at <= at) break;
      heap[index] = heap[parent]!;
      index = parent;
    }
    heap[index] = entry;
  }

  /** Takes the next item that is due; undefined if none is. */
  due(now: number): T | undefined {
    while (this.nextAt <= now) {
      const { at, item } = this.#pop();
      if (item.wakesAt !== at) continue; // moved forward since: another entry stands for it
      item.wakesAt = Infinity;
      this.#items -= 1;
      return item;
    }
    return undefined;
  }

  /** The item is not to be looked at any more. */
  forget(item: T): void {
    if (item.wakesAt === Infinity) return;
    item.wakesAt = Infinity;
    this.#items -= 1;
    this.#sweep();
  }

  #putOff(item: T, at: number): void {
    if (this.#heap[0]!.at !== item.wakesAt) return; // moved forward since: it is to be skipped
    item.wakesAt = at;
    this.#sink({ at, item });
  }

  #sweep(): void {
    if (this.#heap.length <= 2 * this.#items + STALE_MAX) return;
    const kept = new Set<T>();
    this.#heap = this.#heap.filter(({ at, item }) => {
      if (item.wakesAt !== at || kept.has(item)) return false;
      kept.add(item);
      return true;
    });
    this.#heap.sort((left, right) => left.at - right.at); // what is in order is a heap
  }

  #pop(): Entry<T> {
    const heap = this.#heap;
    const top = heap[0]!;
    const last = heap.pop()!;
    if (heap.length > 0) this.#sink(last);
    return top;
  }

  /** Puts an entry in the place of the first one, as deep as it belongs. */
  #sink(entry: Entry<T>): void {
    const heap = this.#heap;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && heap[child + 1]!.at < heap[child]!.at) child += 1;
      if (heap[child]!.at >= entry.at) break;
      heap[index] = heap[child]!;
      index = child;
    }
    heap[index] = entry;
  }
}
