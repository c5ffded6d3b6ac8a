import type { Outgoing } from './outgoing.ts';
import type { ConnectorId } from '../core/id.ts';
import type { Traits } from '../transport/transport.ts';

/** Tells a carrier whom it serves, over what. */
export interface CarrierOptions {
  readonly id: ConnectorId;
  readonly traits: Traits;
  /** The clock's grain, ms. */
  readonly grainMs: number;
  /** The longest datagram to be packed of several messages. */
  readonly packedMax: number;
  /** Our session number, the peer's, and the tag the peer wants to see. */
  readonly ownSession: number;
  readonly peerSession: number;
  readonly peerTag: number;
  /** The numbers of the first datagram each way. */
  readonly firstSent: number;
  readonly firstReceived: number;
  /** What the peer grants at first, truesize. */
  readonly grant: number;
  /** What we grant the peer at the moment, truesize: stated in every datagram. */
  readonly ownGrant: () => number;
  /** A message was acknowledged (once each, never for one that was withdrawn). */
  readonly delivered: (message: Outgoing) => void;
  /** Datagrams were found lost. */
  readonly thinned: () => void;
}
