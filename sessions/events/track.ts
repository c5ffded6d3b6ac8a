import type { EventEntry, Origin } from './backlog.ts';
import type { Order } from './order.ts';
import type { Timed } from '../resources.ts';
import type { Expiring } from '../../reliability/wheel.ts';
import type { Incarnation } from '../../transport/wire/handshake.ts';

/** A question to a publisher, from its first asking until it is answered or given up. */
export interface Inquiry {
  readonly seq: number;
  readonly ack: number;
  tries: number;
  /** When it is asked again, or given up; Infinity while it waits for its turn. */
  at: number;
  /** It is under way: one of the few that may be at the same time. */
  open: boolean;
  /** Something was lost after it was asked: the answer will be no news. */
  again: boolean;
}

/** What a subscription knows of one stream. */
export class Track implements Timed {
  readonly origin: Origin;
  readonly stream: Incarnation;
  /** Undefined until the publisher has shown that the stream is not an old one. */
  order: Order<EventEntry> | undefined;
  /** The publisher has said that nothing follows. */
  ended = false;
  /** Another stream has taken its place: what still comes of it is old. */
  over = false;
  /** When the publisher has broken its word to send again. */
  watchAt: number = Infinity;
  inquiry: Inquiry | undefined;
  /** We came late to look at it, and what it waits for may be in the queue unread. */
  excused = false;
  deadline: number = Infinity;
  earlier: Expiring | undefined = undefined;
  later: Expiring | undefined = undefined;
  slot = -1;
  readonly #due: (track: Track) => void;

  constructor(origin: Origin, stream: Incarnation, due: (track: Track) => void) {
    this.origin = origin;
    this.stream = stream;
    this.#due = due;
  }

  /** When it is to be looked at; Infinity if there is nothing to wait for. */
  get nextAt(): number {
    const orderAt = this.order?.deadline ?? Infinity;
    return Math.min(orderAt, this.watchAt, this.inquiry?.at ?? Infinity);
  }

  /** Whether it can be forgotten and nothing that is known to be missing goes unsaid. */
  get quiet(): boolean {
    const idle = this.nextAt === Infinity && this.inquiry === undefined;
    return this.over || (idle && this.order !== undefined);
  }

  expire(): void {
    this.deadline = Infinity;
    this.#due(this);
  }
}
