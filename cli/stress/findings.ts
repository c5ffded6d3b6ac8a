import type { Executions } from './ledger.ts';
import type { Tally } from './tally.ts';
import type { EndpointStats } from '../../sessions/endpoint.ts';

/** What endpoints sent. */
export interface Traffic {
  /** Messages, each transmission counted. */
  readonly requests: number;
  readonly replies: number;
  /** Everything else: handshakes, cancellations, closings, and datagrams that only acknowledge. */
  readonly control: number;
  readonly datagrams: number;
}

/** What went wrong on the way, in datagrams. */
export interface Trouble {
  readonly lost: number;
  readonly duplicated: number;
  readonly reordered: number;
  readonly corrupted: number;
  /** Dropped at a full receive queue. */
  readonly overrun: number;
  /** Not sent, or dropped on arrival, for want of memory. */
  readonly noMemory: number;
}

/** All that is known after a run. */
export interface Findings {
  readonly tally: Tally;
  readonly executions: Executions;
  readonly traffic: Traffic;
  readonly trouble: Trouble;
  readonly wallMs: number;
  /** Undefined where time was real. */
  readonly virtualMs: number | undefined;
}

export function trafficOf(stats: EndpointStats): Traffic {
  const { requestsSent, repliesSent, controlSent, datagramsSent } = stats;
  return {
    requests: requestsSent,
    replies: repliesSent,
    control: controlSent,
    datagrams: datagramsSent,
  };
}

/** Adds up records of numbers, name by name. */
export function sum<T extends { readonly [Name in keyof T]: number }>(records: readonly T[]): T {
  const total: Record<string, number> = {};
  for (const record of records) {
    for (const [name, value] of Object.entries<number>(record)) {
      total[name] = (total[name] ?? 0) + value;
    }
  }
  return total as T;
}
