import Denque from 'denque';
import { LRUCache } from 'lru-cache/raw';

/** Replies that may be young, as a share of all, and how many at most. */
const YOUNG_SHARE = 1 / 64;
const YOUNG_MAX = 4096;

/** What has a reply that may have to be sent again. */
export interface Keepable {
  /** Kept by the cache, and by nobody else. */
  keeping: 'no' | 'young' | 'old';
  charge: number;
  /** The reply is kept for long: it lets go of what it shares with others. */
  age(): void;
  /** The reply gives way to others. */
  evict(): void;
}

/**
 * The replies that a server still may have to send again, over all its sessions, bounded by count
 * and by bytes. The least recently used one gives way; its call then learns that it ran and that
 * the reply is gone. That it was seen is remembered elsewhere (reliability/seen.ts), so an evicted
 * reply never leads to a second execution (semantics 9).
 *
 * Nearly every reply is acknowledged within a round trip. So a reply is young at first, in a short
 * queue that costs a tenth of what the LRU order does; only those that grow old in it enter that.
 */
export class ReplyCache<T extends Keepable> {
  readonly #old: LRUCache<T, T>;
  /** In order of age. Those released stay while an older one does; the first never is one. */
  readonly #young = new Denque<T>();
  readonly #youngMax: number;
  readonly #youngBytesMax: number;
  readonly #oldBytesMax: number;
  readonly #chargeMin: number;
  #youngCount = 0;
  #youngBytes = 0;

  constructor(countMax: number, bytesMax: number) {
    this.#youngMax = Math.min(YOUNG_MAX, Math.floor(countMax * YOUNG_SHARE));
    this.#youngBytesMax = this.#youngMax === 0 ? 0 : Math.floor(bytesMax * YOUNG_SHARE);
    this.#oldBytesMax = bytesMax - this.#youngBytesMax;
    // lru-cache's own `max` would allocate room for that many at once. A least charge per reply
    // bounds the count as well, and the cache grows with use.
    this.#chargeMin = Math.ceil(bytesMax / countMax);
    this.#old = new LRUCache<T, T>({
      maxSize: this.#oldBytesMax,
      dispose: (evicted, _same, why) => {
        if (why !== 'evict') return;
        evicted.keeping = 'no';
        evicted.evict();
      },
    });
  }

  get count(): number {
    return this.#old.size + this.#youngCount;
  }

  /**
   * Keeps the reply of a request, `length` bytes, until it is released or evicted. One larger than
   * all is not kept, and evicted at once.
   */
  keep(request: T, length: number): void {
    const charge = Math.max(length, this.#chargeMin);
    request.charge = charge;
    if (charge > this.#oldBytesMax) request.evict();
    else if (charge > this.#youngBytesMax) this.#settle(request);
    else {
      request.keeping = 'young';
      this.#youngCount += 1;
      this.#youngBytes += charge;
      this.#young.push(request);
      while (this.#young.length > this.#youngMax || this.#youngBytes > this.#youngBytesMax) {
        const oldest = this.#young.peekFront()!;
        this.#leaveYoung(oldest);
        oldest.age();
        this.#settle(oldest);
      }
    }
  }

  /** It was asked for again: the others give way before it. All young ones do so last anyway. */
  use(request: T): void {
    if (request.keeping === 'old') this.#old.get(request);
  }

  /** The peer has it, or no longer wants it. */
  release(request: T): void {
    if (request.keeping === 'young') this.#leaveYoung(request);
    if (request.keeping === 'old') this.#old.delete(request);
    request.keeping = 'no';
  }

  #leaveYoung(request: T): void {
    request.keeping = 'no';
    this.#youngCount -= 1;
    this.#youngBytes -= request.charge;
    const young = this.#young;
    while (young.length > 0 && young.peekFront()!.keeping !== 'young') young.shift();
  }

  #settle(request: T): void {
    request.keeping = 'old';
    this.#old.set(request, request, { size: request.charge });
  }
}
