/** What is held until the events before it have come or are given up. */
interface Held<T> {
  readonly number: number;
  readonly item: T;
  readonly size: number;
  readonly at: number;
}

/** What the orders of one subscription hold together, so that it can be bounded. */
export interface Holding {
  count: number;
  bytes: number;
}

/** Takes what an order gives. */
export interface OrderSink<T> {
  readonly give: (item: T, number: number) => void;
  /** `count` events in a row are missing, up to but not with the number `next`. */
  readonly miss: (count: number, next: number) => void;
}

/** Shapes an order. */
export interface OrderOptions<T> {
  /** The first number that is of interest. */
  readonly next: number;
  /** How long events are held for those before them, ms; 0 where nothing overtakes. */
  readonly windowMs: number;
  readonly holding: Holding;
  readonly sink: OrderSink<T>;
}

/**
 * Brings the events of one stream into order: each number is given once, or is part of a gap, and
 * what comes after that is stale. A gap is one subtraction, however far a sender jumps. Sans-IO.
 */
export class Order<T> {
  readonly #options: OrderOptions<T>;
  /** By number. */
  readonly #held: Held<T>[] = [];
  #next: number;
  /** All numbers below it were published. */
  #told: number;
  #toldAt = 0;
  /** When the first hole is given up. */
  #deadline = Infinity;

  constructor(options: OrderOptions<T>) {
    this.#options = options;
    this.#next = options.next;
    this.#told = options.next;
  }

  /** The lowest number that is neither given nor given up. */
  get next(): number {
    return this.#next;
  }

  /** All numbers below it are known to have been published. */
  get known(): number {
    return Math.max(this.#next, this.#told);
  }

  /** When `expire` is to be called; Infinity while nothing is known to be missing. */
  get deadline(): number {
    return this.#deadline;
  }

  /** All numbers below `number` were published, whether they come or not. */
  tell(number: number, now: number): void {
    if (number <= this.#told) return;
    this.#told = number;
    this.#toldAt = now;
    if (number <= this.#next) return;
    if (this.#options.windowMs === 0) this.#giveUp(number);
    else this.#deadline = Math.min(this.#deadline, now + this.#options.windowMs);
  }

  /** Takes an event from `next` on that `tell` was called for; false if it is held already. */
  take(number: number, item: T, size: number, now: number): boolean {
    if (number > this.#next) return this.#hold({ number, item, size, at: now });
    this.#options.sink.give(item, number);
    this.#next += 1;
    if (this.#deadline !== Infinity) this.#advance();
    return true;
  }

  /** Gives up the first hole, if its time has come. */
  expire(now: number): void {
    while (this.#deadline <= now) this.giveUpFirst();
  }

  /** Gives up the first hole. */
  giveUpFirst(): void {
    this.#giveUp(this.#held[0]?.number ?? this.#told);
    this.#advance();
  }

  /** Gives up all holes: nothing is held afterwards. */
  flush(): void {
    while (this.#deadline !== Infinity) this.giveUpFirst();
  }

  #hold(held: Held<T>): boolean {
    const list = this.#held;
    let index = list.length;
    while (index > 0 && list[index - 1]!.number > held.number) index -= 1;
    if (index > 0 && list[index - 1]!.number === held.number) return false;
    list.splice(index, 0, held);
    const { holding, windowMs } = this.#options;
    holding.count += 1;
    holding.bytes += held.size;
    this.#deadline = Math.min(this.#deadline, held.at + windowMs);
    return true;
  }

  #giveUp(until: number): void {
    const missing = until - this.#next;
    this.#next = until;
    if (missing > 0) this.#options.sink.miss(missing, until);
  }

  /** Gives what is now in order, and looks for the next hole. */
  #advance(): void {
    const { holding, sink, windowMs } = this.#options;
    const list = this.#held;
    let count = 0;
    for (; list[count]?.number === this.#next; count++) {
      const { item, size } = list[count]!;
      holding.count -= 1;
      holding.bytes -= size;
      sink.give(item, this.#next);
      this.#next += 1;
    }
    list.splice(0, count);
    // What is held after the hole came at the latest then; a hole is never given up too early.
    const since = list[0]?.at ?? this.#toldAt;
    this.#deadline = list.length > 0 || this.#told > this.#next ? since + windowMs : Infinity;
  }
}
