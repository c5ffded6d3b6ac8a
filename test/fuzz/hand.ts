import { fixedTraits } from '../unit/reliability/traits.ts';
import type { Peer, SendOutcome, Sink, Traits, Transport } from '../../index.ts';
import type { Slab } from '../../core/slab.ts';

/** A transport whose datagrams go to whoever holds it, and come from there. */
export class Hand implements Transport {
  readonly traits: Traits;
  readonly address: Peer;
  readonly sent: { readonly bytes: Uint8Array; readonly peer: Peer }[] = [];
  sink: Sink | undefined;
  closed = false;
  outcome: () => SendOutcome = () => 'sent';

  constructor(address: Peer, intact: boolean) {
    this.address = address;
    this.traits = fixedTraits({ intact, reportsOverrun: true });
  }

  locate(): Peer {
    return 1;
  }

  start(sink: Sink): void {
    this.sink = sink;
  }

  send(slab: Slab, start: number, end: number, peer: Peer): SendOutcome {
    const outcome = this.outcome();
    if (outcome === 'sent') this.sent.push({ bytes: slab.bytes.slice(start, end), peer });
    return outcome;
  }

  multicast(): SendOutcome {
    return 'denied';
  }

  join(): void {}

  leave(): void {}

  close(): void {
    this.closed = true;
  }
}
