import type { Kept } from '../reliability/kept.ts';

/** Where a call stands in a channel. */
export interface Place {
  /** The channel's name, and its number while calls are open in it. */
  readonly channel: string;
  readonly number: number;
  /** The request's, among all of that number. */
  readonly position: number;
}

/** The place of what is in no channel. */
export const UNORDERED: Place = { channel: '', number: 0, position: 0 };

interface Channel {
  readonly number: number;
  /** The position of the next request in it. */
  next: number;
  /** Calls that have a position and are not both settled and delivered. */
  open: number;
}

/**
 * The FIFO channels of a session at its client. A name has a number on the wire while calls are
 * open in it; then the number is free for another name and goes on counting positions where it
 * stood, so the server need not know of names at all.
 */
export class Channels {
  readonly #byName = new Map<string, Channel>();
  readonly #free: Channel[] = [];
  #numbers = 0;
  readonly #max: number;

  /** At most `max` channels with calls open at once. */
  constructor(max: number) {
    this.#max = max;
  }

  /** Only while no channel has calls in it. In order: the number freed last is used first. */
  suspend(kept: Kept): void {
    kept.put(this.#free.length);
    for (const { number, next } of this.#free) kept.put(number, next);
  }

  resume(kept: Kept): void {
    this.#numbers = kept.take();
    for (let count = 0; count < this.#numbers; count++) {
      this.#free.push({ number: kept.take(), next: kept.take(), open: 0 });
    }
  }

  /** Gives the next place in a channel, or undefined if too many are in use. */
  place(name: string): Place | undefined {
    const channel = this.#byName.get(name) ?? this.#take(name);
    if (channel === undefined) return undefined;
    const position = channel.next;
    channel.next = (position + 1) >>> 0;
    channel.open += 1;
    return { channel: name, number: channel.number, position };
  }

  /** One call of the channel is settled and delivered. */
  release(name: string): void {
    const channel = this.#byName.get(name);
    if (channel === undefined) return;
    channel.open -= 1;
    if (channel.open > 0) return;
    this.#byName.delete(name);
    this.#free.push(channel);
  }

  #take(name: string): Channel | undefined {
    let channel = this.#free.pop();
    if (channel === undefined) {
      if (this.#numbers >= this.#max) return undefined;
      this.#numbers += 1;
      channel = { number: this.#numbers, next: 0, open: 0 };
    }
    this.#byName.set(name, channel);
    return channel;
  }
}
