import Denque from 'denque';

interface Channel {
  readonly number: number;
  /** The last request in it was one-way: its handler may still run when it was answered. */
  doubtful: boolean;
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
  /** Free as well, but a handler may still run in them; the oldest first. */
  readonly #doubtful = new Denque<Channel>();
  #numbers = 0;
  readonly #max: number;

  /** At most `max` channels with calls open at once. */
  constructor(max: number) {
    this.#max = max;
  }

  /**
   * Gives the next place in a channel to a request, one-way or not; undefined if too many channels
   * are in use.
   */
  place(
    name: string,
    oneWay: boolean,
  ): { readonly number: number; readonly position: number } | undefined {
    const channel = this.#byName.get(name) ?? this.#take(name);
    if (channel === undefined) return undefined;
    const position = channel.next;
    channel.next = (position + 1) >>> 0;
    channel.open += 1;
    channel.doubtful = oneWay;
    return { number: channel.number, position };
  }

  /** One call of the channel is settled and delivered. */
  release(name: string): void {
    const channel = this.#byName.get(name);
    if (channel === undefined) return;
    channel.open -= 1;
    if (channel.open > 0) return;
    this.#byName.delete(name);
    if (channel.doubtful) this.#doubtful.push(channel);
    else this.#free.push(channel);
  }

  #take(name: string): Channel | undefined {
    const channel = this.#free.pop() ?? this.#another() ?? this.#doubtful.shift();
    if (channel !== undefined) this.#byName.set(name, channel);
    return channel;
  }

  #another(): Channel | undefined {
    if (this.#numbers >= this.#max) return undefined;
    this.#numbers += 1;
    return { number: this.#numbers, doubtful: false, next: 0, open: 0 };
  }
}
