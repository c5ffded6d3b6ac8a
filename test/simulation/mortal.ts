import type { ConnectorId } from '../../core/id.ts';
import type { Slab } from '../../core/slab.ts';
import type { Peer, SendOutcome, Sink, Transport } from '../../transport/transport.ts';

/** A transport whose process may die: what it says after that reaches nobody. */
export class Mortal implements Transport {
  dead = false;
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

  locate(id: ConnectorId): Peer {
    return this.#inner.locate(id);
  }

  start(sink: Sink): void {
    this.#inner.start(sink);
  }

  send(slab: Slab, start: number, end: number, peer: Peer): SendOutcome {
    return this.dead ? 'sent' : this.#inner.send(slab, start, end, peer);
  }

  multicast(slab: Slab, start: number, end: number, group: number): SendOutcome {
    return this.dead ? 'sent' : this.#inner.multicast(slab, start, end, group);
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
