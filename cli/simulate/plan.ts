import type { EventPlan } from './events/plan.ts';
import type { Limits } from '../../core/limits.ts';
import type { Faults } from '../../transport/faults.ts';
import type { Pressure } from '../../transport/simulated/memory.ts';
import type { Peer } from '../../transport/transport.ts';

/** What an endpoint does: `both` serves and calls. */
export type Role = 'client' | 'server' | 'both';

/** What is drawn for one endpoint; it holds for all its incarnations. */
export interface PartyPlan {
  readonly name: string;
  readonly address: Peer;
  readonly role: Role;
  /** Servers let nobody in whose uid is `OUTSIDER`. */
  readonly uid: number;
  readonly limits: Partial<Limits>;
  readonly receiveBuffer: number;
  readonly readDelayMs: number;
  /** Loops that each make calls one batch after another. */
  readonly hands: number;
}

/** The uid that the allow rule of every server refuses. */
export const OUTSIDER = 13;

/** How calls are mixed; all are probabilities. */
export interface Mix {
  readonly channel: number;
  readonly idempotent: number;
  readonly cancel: number;
  readonly shortDeadline: number;
  readonly empty: number;
  readonly json: number;
  readonly large: number;
  /** A batch of calls made at once instead of a single one. */
  readonly batch: number;
  readonly bare: number;
  /** Of handlers; what is left over is quick. */
  readonly slow: number;
  readonly stalled: number;
  readonly throwing: number;
  readonly callBack: number;
  readonly noMethod: number;
  /** Of calls: messages without a reply, streams, and payloads of up to 1 MiB. */
  readonly oneWay: number;
  readonly stream: number;
  readonly huge: number;
}

/** What happens to endpoints and links; each a mean per second of virtual time, 0 for never. */
export interface Chaos {
  readonly crashes: number;
  readonly partitions: number;
  readonly drains: number;
  /** A clock that jumps ahead by up to seconds. */
  readonly jumps: number;
}

/** What hostile peers do, in datagrams or (intrusions) sessions a second; 0: never. */
export interface Hostility {
  readonly replays: number;
  readonly forgeries: number;
  readonly floods: number;
  /** Replays from the address that the datagram came from, whoever is there now. */
  readonly impersonations: number;
  /** Sessions that a peer opens in order to say wrong things in them. */
  readonly intrusions: number;
}

/** A world and its faults, all drawn from one seed. */
export interface Plan {
  readonly seed: number;
  readonly parties: readonly PartyPlan[];
  readonly barePeers: number;
  /** What the transport promises; kept whatever `faults` says. */
  readonly fifo: boolean;
  readonly intact: boolean;
  readonly reportsDeath: boolean;
  readonly faults: Faults;
  readonly pressure: Pressure;
  /** How long faults last, ms, unless the calls are used up before. */
  readonly faultsMs: number;
  readonly callsMax: number;
  readonly mix: Mix;
  readonly chaos: Chaos;
  readonly hostility: Hostility;
  /** Undefined in worlds without events. */
  readonly events: EventPlan | undefined;
}
