const EMPTY = new Uint8Array(0);

/**
 * A message to be delivered: its identity (kind, seq, ack) and its encoded cn_msg. It keeps both
 * through every retransmission; only the number of the datagram that carries it changes.
 */
export class Outgoing {
  /** The kind of the message: REQUEST, REPLY, CANCEL or CLOSE (transport/wire/frame.ts). */
  readonly kind: number;
  /** The sequence number it carries. */
  readonly seq: number;
  /** The acknowledge number it carries. */
  readonly ack: number;
  /** The whole cn_msg, padded to 4 bytes, exactly as it goes into a datagram. */
  bytes: Uint8Array;
  /**
   * When its call expires (Infinity: never): a request states what is left of it when it is sent.
   */
  readonly deadline: number;
  /** The number of the last datagram that carried it; -1 before the first. */
  datagram = -1;
  /** When that was. */
  sentAt: number = -Infinity;
  /** How many bytes it had at first. */
  readonly size: number;
  /** Waiting in a queue to be sent (again). */
  queued = false;
  /** Delivered, or withdrawn: nothing will send it again. */
  done = false;

  constructor(kind: number, seq: number, ack: number, bytes: Uint8Array, deadline: number) {
    this.kind = kind;
    this.seq = seq;
    this.ack = ack;
    this.bytes = bytes;
    this.size = bytes.length;
    this.deadline = deadline;
  }

  /** Moves its bytes out of memory that it shares with other messages (core/scratch.ts). */
  own(): void {
    if (this.bytes.buffer.byteLength > this.bytes.length) this.bytes = this.bytes.slice();
  }

  /** Nothing is to be sent of it any more; lets go of its bytes. */
  withdraw(): void {
    this.done = true;
    this.bytes = EMPTY;
  }

  /** True once it has left this process: from then on it may have been executed. */
  get transmitted(): boolean {
    return this.datagram >= 0;
  }
}
