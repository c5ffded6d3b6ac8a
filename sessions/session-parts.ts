import type { ConnectorId } from '../core/id.ts';
import type { Credentials, Peer } from '../transport/transport.ts';
import type { Incarnation } from '../transport/wire/handshake.ts';

/** One side's half of what the handshake agreed on. */
export interface Half {
  readonly session: number;
  readonly tag: number;
  readonly firstNumber: number;
  readonly firstSeq: number;
  readonly grant: number;
  readonly window: number;
  readonly valueMax: number;
  readonly credit: number;
}

/** Holds what the handshake agreed on. */
export interface SessionParts {
  readonly id: ConnectorId;
  readonly peer: Peer;
  readonly incarnation: Incarnation;
  readonly own: Half;
  readonly remote: Half;
  /** The peer as the kernel names it, where the transport vouches for it. */
  readonly credentials: Credentials | undefined;
  /** True if the peer opened it. */
  readonly accepted: boolean;
}
