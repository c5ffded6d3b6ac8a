import { fixedTraits } from '../unit/reliability/traits.ts';
import type { Peer, SendOutcome, Sink, Traits, Transport } from '../../index.ts';
import type { Slab } from '../../core/slab.ts';

/** A transport whose datagrams go to whoever holds it, and come from there. */
export class Hand implements Transport {
  readonly traits: Traits;
  readonly address: Peer;
  readonly sent: { readonly bytes: Uint8Array; readonly peer: Peer; readonly group: number }[] = [];
  readonly groups: Set<number> = new Set();
  sink: Sink | undefined;
  closed = false;
  outcome: () => SendOutcome = () => 'sent';

  constructor(address: Peer, intact: boolean, traits: Partial<Traits> = {}) {
    this.address = address;
    this.traits = fixedTraits({ intact, reportsOverrun: true, ...traits });
  }

  locate(): Peer {
    return 1;
  }

  start(sink: Sink): void {
    this.sink = sink;
  }

  send(slab: Slab, start: number, end: number, peer: Peer): SendOutcome {
    return this.#send(slab, start, end, peer, 0);
  }

  multicast(slab: Slab, start: number, end: number, group: number): SendOutcome {
    return this.#send(slab, start, end, 0, group);
  }

  join(group: number): void {
    this.groups.add(group);
  }

  leave(group: number): void {
    this.groups.delete(group);
  }

  close(): void {
    this.closed = true;
  }

  #send(slab: Slab, start: number, end: number, peer: Peer, group: number): SendOutcome {
    const outcome = this.outcome();
    if (outcome === 'sent') this.sent.push({ bytes: slab.bytes.slice(start, end), peer, group });
    return outcome;
  }
}
