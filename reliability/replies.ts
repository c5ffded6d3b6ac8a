import { LRUCache } from 'lru-cache/raw';

/**
 * The replies that a server still may have to send again, over all its sessions, bounded by count
 * and by bytes. The least recently used one gives way; its call then learns that it ran and that
 * the reply is gone. That it was seen is remembered elsewhere (reliability/seen.ts), so an evicted
 * reply never leads to a second execution (semantics 9).
 */
export class ReplyCache<T extends object> {
  readonly #kept: LRUCache<T, () => void>;
  readonly #bytesMax: number;
  readonly #chargeMin: number;

  constructor(countMax: number, bytesMax: number) {
    this.#bytesMax = bytesMax;
    // lru-cache's own `max` would allocate room for that many at once. A least charge per reply
    // bounds the count as well, and the cache grows with use.
    this.#chargeMin = Math.ceil(bytesMax / countMax);
    this.#kept = new LRUCache<T, () => void>({
      maxSize: bytesMax,
      dispose: (evicted, _request, why) => {
        if (why === 'evict') evicted();
      },
    });
  }

  get count(): number {
    return this.#kept.size;
  }

  /**
   * Keeps the reply of a request, `length` bytes; `evicted` is called when it has to give way. One
   * larger than all is not kept.
   */
  keep(request: T, length: number, evicted: () => void): void {
    const size = Math.max(length, this.#chargeMin);
    if (size > this.#bytesMax) evicted();
    else this.#kept.set(request, evicted, { size });
  }

  /** It was asked for again: the others give way before it. */
  use(request: T): void {
    this.#kept.get(request);
  }

  /** The peer has it, or no longer wants it. */
  release(request: T): void {
    this.#kept.delete(request);
  }
}
