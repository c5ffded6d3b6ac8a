import { datagramNumber, type Wire } from './wire.ts';
import type { ConnectorId } from '../../core/id.ts';
import { Slab } from '../../core/slab.ts';
import type { Peer, SendOutcome, Sink, Traits, Transport } from '../../transport/transport.ts';

/** The transport of one incarnation, listened to. */
export class Tap implements Transport {
  readonly traits: Traits;
  readonly address: Peer;
  readonly #inner: Transport;
  readonly #who: string;
  readonly #wire: Wire;
  readonly #numbers = new Set<string>();
  #mute = false;
  #received = 0;
  #repeated = 0;

  constructor(inner: Transport, who: string, wire: Wire) {
    this.traits = inner.traits;
    this.address = inner.address;
    this.#inner = inner;
    this.#who = who;
    this.#wire = wire;
  }

  /** From now on nothing gets out: a process that is killed says no farewell. */
  mute(): void {
    this.#mute = true;
  }

  /** Datagrams that came. */
  get received(): number {
    return this.#received;
  }

  /** Those of them with the number, in the session, of one that had come: none may count twice. */
  get repeated(): number {
    return this.#repeated;
  }

  locate(id: ConnectorId): Peer {
    return this.#inner.locate(id);
  }

  start(sink: Sink): void {
    this.#inner.start({
      receive: (slab, begin, end, source) => {
        this.#received += 1;
        const number = datagramNumber(slab, begin, end, source.peer);
        if (number !== undefined && this.#numbers.has(number)) this.#repeated += 1;
        if (number !== undefined) this.#numbers.add(number);
        sink.receive(slab, begin, end, source);
      },
      overrun: (lost) => sink.overrun(lost),
      received: () => sink.received(),
      failed: (error) => sink.failed(error),
    });
  }

  send(slab: Slab, start: number, end: number, peer: Peer): SendOutcome {
    if (this.#mute) return 'sent';
    const outcome = this.#inner.send(slab, start, end, peer);
    if (outcome === 'sent') this.#wire.sent(this.#who, this.address, peer, slab, start, end);
    return outcome;
  }

  multicast(slab: Slab, start: number, end: number, group: number): SendOutcome {
    if (this.#mute) return 'sent';
    const outcome = this.#inner.multicast(slab, start, end, group);
    if (outcome === 'sent') this.#wire.told(this.address, 0, group, slab, start, end);
    return outcome;
  }

  /** Sends what somebody else wants to come from here, to a group or, if that is 0, to a peer. */
  impersonate(bytes: Uint8Array, peer: Peer, group: number): void {
    if (this.#mute) return;
    const slab = new Slab(bytes);
    if (group === 0) this.#inner.send(slab, 0, bytes.length, peer);
    else this.#inner.multicast(slab, 0, bytes.length, group);
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
