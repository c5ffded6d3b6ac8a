import type { ConnectorId } from '../../core/id.ts';
import { LITTLE_ENDIAN, Slab } from '../../core/slab.ts';
import type { Peer, SendOutcome, Sink, Transport } from '../../transport/transport.ts';
import { CN_MSG_HEADER, cnMsgFlags, cnMsgLength } from '../../transport/wire/cnmsg.ts';
import * as frame from '../../transport/wire/frame.ts';

/** One datagram that was handed to a `Scripted` transport. */
export interface Posted {
  readonly at: number;
  /** A copy. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The kinds of its cn_msg, the envelope first: `frame.DATA`, `frame.REQUEST`, … */
  readonly kinds: readonly number[];
  readonly lost: boolean;
}

/**
 * A transport that loses what its script says, and keeps a record of what was sent and when. A
 * story that needs one certain loss tells so here, instead of waiting for a seed that has it.
 */
export class Scripted implements Transport {
  readonly posted: Posted[] = [];
  /** Says of a datagram whether it is lost. */
  loses: (kinds: readonly number[]) => boolean = () => false;
  /** Says of a datagram whether the receiver's queue is too full for it. */
  refuses: (kinds: readonly number[]) => boolean = () => false;
  /** When the receiver was told of overruns. */
  readonly overruns: number[] = [];
  readonly #inner: Transport;
  readonly #now: () => number;

  constructor(inner: Transport, now: () => number) {
    this.#inner = inner;
    this.#now = now;
  }

  get traits(): Transport['traits'] {
    return this.#inner.traits;
  }

  get address(): Peer {
    return this.#inner.address;
  }

  locate(id: ConnectorId): Peer {
    return this.#inner.locate(id);
  }

  start(sink: Sink): void {
    this.#inner.start({
      receive: (slab, start, end, source) => sink.receive(slab, start, end, source),
      overrun: (lost) => {
        this.overruns.push(this.#now());
        sink.overrun(lost);
      },
      received: () => sink.received(),
      failed: (error) => sink.failed(error),
    });
  }

  send(slab: Slab, start: number, end: number, peer: Peer): SendOutcome {
    const kinds = kindsOf(slab, start, end);
    if (this.refuses(kinds)) return 'busy';
    const lost = this.loses(kinds);
    const bytes = new Uint8Array(slab.bytes.subarray(start, end));
    this.posted.push({ at: this.#now(), bytes, kinds, lost });
    return lost ? 'sent' : this.#inner.send(slab, start, end, peer);
  }

  /** Sends a datagram as it is, past script and record: one that was held back, or made by hand. */
  deliver(bytes: Uint8Array<ArrayBuffer>, peer: Peer): void {
    this.#inner.send(new Slab(bytes), 0, bytes.length, peer);
  }

  multicast(slab: Slab, start: number, end: number, group: number): SendOutcome {
    return this.#inner.multicast(slab, start, end, group);
  }

  join(group: number): void {
    this.#inner.join(group);
  }

  leave(group: number): void {
    this.#inner.leave(group);
  }

  close(): void {
    this.#inner.close();
  }
}

function kindsOf(slab: Slab, start: number, end: number): number[] {
  const kinds: number[] = [];
  const last = Math.min(end, start + slab.view.getUint32(start, LITTLE_ENDIAN));
  for (let at = start + frame.ENVELOPE_CN; at + CN_MSG_HEADER <= last; ) {
    kinds.push(cnMsgFlags(slab, at));
    at += CN_MSG_HEADER + ((cnMsgLength(slab, at) + 3) & ~3);
  }
  return kinds;
}
