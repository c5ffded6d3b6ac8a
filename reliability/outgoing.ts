import { Slab } from '../core/slab.ts';

const EMPTY = new Slab(0);

/** What has so much time and no more: the call that a request is of. */
export interface Limited {
  /** When it expires, in clock time; Infinity: never. */
  readonly deadline: number;
}

/**
 * A message to be delivered: its identity (kind, seq, ack) and its encoded cn_msg. It keeps both
 * through every retransmission; only the number of the datagram that carries it changes.
 */
export class Outgoing {
  /** The kind of the message: REQUEST, REPLY, CANCEL or CLOSE (transport/wire/frame.ts). */
  readonly kind: number;
  /** As signed numbers: V8 makes an object of each from 2^31 on. */
  readonly #seq: number;
  readonly #ack: number;
  /** Where the whole cn_msg lies, padded to 4 bytes, exactly as it goes into a datagram. */
  slab: Slab;
  at: number;
  /** A request states what is left of the time of its call when it is sent. Undefined: nothing. */
  call: Limited | undefined;
  /** The number of the last datagram that carried it; -1 before the first. */
  datagram = -1;
  /** How many bytes that are, or were before it was withdrawn. */
  readonly size: number;
  /** Waiting in a queue to be sent (again). */
  queued = false;
  /** Delivered, or withdrawn: nothing will send it again. */
  done = false;

  constructor(
    kind: number,
    seq: number,
    ack: number,
    slab: Slab,
    at: number,
    size: number,
    call?: Limited,
  ) {
    this.kind = kind;
    this.#seq = seq | 0;
    this.#ack = ack | 0;
    this.slab = slab;
    this.at = at;
    this.size = size;
    this.call = call;
  }

  /** The sequence number it carries. */
  get seq(): number {
    return this.#seq >>> 0;
  }

  /** The acknowledge number it carries. */
  get ack(): number {
    return this.#ack >>> 0;
  }

  /** The cn_msg; empty once it was withdrawn. */
  get bytes(): Uint8Array {
    return this.slab.bytes.subarray(this.at, this.at + this.size);
  }

  /** Moves its bytes out of memory that it shares with other messages (core/arena.ts). */
  own(): void {
    if (this.slab.bytes.length <= this.size) return;
    const own = new Slab(this.size);
    own.copy(0, this.slab, this.at, this.size);
    this.slab = own;
    this.at = 0;
  }

  /** Nothing is to be sent of it any more; lets go of its bytes and of its call. */
  withdraw(): void {
    this.done = true;
    this.slab = EMPTY;
    this.call = undefined;
  }

  /** True once it has left this process: from then on it may have been executed. */
  get transmitted(): boolean {
    return this.datagram >= 0;
  }
}
