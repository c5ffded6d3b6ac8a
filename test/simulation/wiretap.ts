import { Slab } from '../../core/slab.ts';
import type { Peer, SendOutcome, Sink, Transport } from '../../transport/transport.ts';

/** Keeps a copy of every datagram that passes. */
export class Wiretap implements Transport {
  readonly sent: Uint8Array[] = [];
  /** Changes a datagram before it is sent, if set. */
  alter: ((datagram: Slab) => void) | undefined;
  readonly #inner: Transport;

  constructor(inner: Transport) {
    this.#inner = inner;
  }

  get traits(): Transport['traits'] {
    return this.#inner.traits;
  }

  get address(): Peer {
    return this.#inner.address;
  }

  locate(id: { idx: number; val: number }): Peer {
    return this.#inner.locate(id);
  }

  start(sink: Sink): void {
    this.#inner.start(sink);
  }

  send(slab: Slab, start: number, end: number, peer: Peer): SendOutcome {
    const datagram = new Slab(slab.bytes.slice(start, end));
    this.alter?.(datagram);
    this.sent.push(datagram.bytes);
    return this.#inner.send(datagram, 0, end - start, peer);
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
