import Denque from 'denque';
import type { Outgoing } from './outgoing.ts';

/** Withdrawn messages that may stand among the others, beyond as many as there are, at a sweep. */
const WITHDRAWN_MAX = 256;

/**
 * The messages that wait to be sent: those to be sent again before those never sent, each in the
 * order in which it came. Withdrawn ones are skipped wherever they stand, and swept out now and
 * then: a peer that takes back what it asked for, and accepts nothing, makes any number of them
 * behind one that waits.
 */
export class SendQueue {
  readonly #again = new Denque<Outgoing>();
  #fresh = new Denque<Outgoing>();
  #freshBytes = 0;
  /** How many make a sweep worth while. */
  #sweepAt = WITHDRAWN_MAX;

  /** Entries, withdrawn ones included. */
  get length(): number {
    return this.#again.length + this.#fresh.length;
  }

  get empty(): boolean {
    return this.first() === undefined;
  }

  /** Bytes of the messages never sent, withdrawn ones included where others stand before them. */
  get freshBytes(): number {
    return this.#freshBytes;
  }

  /** The message that goes next. */
  first(): Outgoing | undefined {
    return skip(this.#again) ?? this.#firstFresh();
  }

  /** Adds a message for its first sending. */
  push(message: Outgoing): void {
    message.queued = true;
    this.#fresh.push(message);
    this.#freshBytes += message.size;
    if (this.#fresh.length > this.#sweepAt) this.#sweep();
  }

  /** Adds a message to be sent again, unless it waits already. */
  repeat(message: Outgoing): void {
    if (message.queued) return;
    message.queued = true;
    this.#again.push(message);
  }

  /** Gives the waiting messages to `take`, in order, until it says false. */
  visit(take: (message: Outgoing) => boolean): void {
    if (walk(this.#again, take)) walk(this.#fresh, take);
  }

  /** Takes out a message that went out, from the head where `visit` found it. */
  remove(message: Outgoing): void {
    if (this.#again.length > 0 && skip(this.#again) === message) this.#again.shift();
    else if (this.#firstFresh() === message) this.#shiftFresh();
    else return; // a probe's copy of what is under way
    message.queued = false;
  }

  #sweep(): void {
    const left = this.#fresh.toArray().filter((message) => !message.done);
    this.#fresh = new Denque(left);
    this.#freshBytes = left.reduce((sum, { size }) => sum + size, 0);
    this.#sweepAt = 2 * this.#fresh.length + WITHDRAWN_MAX;
  }

  #firstFresh(): Outgoing | undefined {
    let first = this.#fresh.peekFront();
    while (first?.done === true) {
      this.#shiftFresh();
      first = this.#fresh.peekFront();
    }
    return first;
  }

  #shiftFresh(): void {
    this.#freshBytes -= this.#fresh.shift()!.size;
  }
}

/** The first message of a queue that is not withdrawn. */
function skip(queue: Denque<Outgoing>): Outgoing | undefined {
  while (queue.length > 0 && queue.peekFront()!.done) queue.shift();
  return queue.peekFront();
}

/** Gives the messages of a queue to `take`; false if it said so. */
function walk(queue: Denque<Outgoing>, take: (message: Outgoing) => boolean): boolean {
  const { length } = queue; // asked once: it is a getter that counts
  for (let index = 0; index < length; index++) {
    const message = queue.peekAt(index)!;
    if (!message.done && !take(message)) return false;
  }
  return true;
}
