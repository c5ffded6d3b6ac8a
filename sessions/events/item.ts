import type { Credentials, Peer } from '../../transport/transport.ts';

/** One event, as a subscription gives it. */
export interface PublishedEvent {
  readonly kind: 'event';
  /** The publisher's address. */
  readonly sender: Peer;
  /** Which publisher at that address: 64 random bits in hexadecimal, new with each start. */
  readonly stream: string;
  /** Who the kernel says the publisher is; undefined where the transport can't vouch for it. */
  readonly credentials: Credentials | undefined;
  /** From 1 on, +1 with each event of the stream. */
  readonly number: number;
  readonly topic: string;
  readonly value: unknown;
}

/**
 * Why events are missing.
 * - `lost`: they did not come.
 * - `slow`: they came and found the buffer full; what was lost meanwhile is counted in.
 * - `unreadable`: one came whose value is not what its format says.
 * - `restarted`, `gone`: another publisher answers at the address, or nobody; what the stream
 *   published last cannot be known any more.
 * - `forgotten`: the subscription follows too many senders, and may have followed this one before.
 */
export type GapReason = 'lost' | 'slow' | 'unreadable' | 'restarted' | 'gone' | 'forgotten';

/** Stands in the place of events that are missing. */
export interface Gap {
  readonly kind: 'gap';
  readonly sender: Peer;
  readonly stream: string;
  /** How many, exactly; or that nobody can know, be it 0. */
  readonly missed: number | 'unknown';
  /** The number after the last one missing; undefined if nobody can know how many are. */
  readonly next: number | undefined;
  readonly reason: GapReason;
}

/** What a subscription gives. Those of one stream are in order. */
export type EventItem = PublishedEvent | Gap;
