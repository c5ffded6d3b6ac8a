import Denque from 'denque';
import type { GapReason } from './item.ts';
import type { Counters } from '../counters.ts';
import type { Credentials, Peer } from '../../transport/transport.ts';
import type { News } from '../../transport/wire/event.ts';

/** Whose events they are. */
export interface Origin {
  readonly peer: Peer;
  /** The stream's name, as listeners see it. */
  readonly name: string;
  /** The last thing that waits for the listener from this origin, if it is a gap. */
  trailing: GapEntry | undefined;
}

/** An event that waits for the listener, its value not read yet. */
export interface EventEntry {
  readonly kind: 'event';
  readonly origin: Origin;
  readonly number: number;
  readonly credentials: Credentials | undefined;
  readonly news: News;
  /** Bytes that it is charged. */
  readonly size: number;
}

/** A gap that waits for the listener and grows while it is the last of its origin. */
export interface GapEntry {
  readonly kind: 'gap';
  readonly origin: Origin;
  missed: number | 'unknown';
  /** The number after it; undefined if it is not known how many are missing. */
  next: number | undefined;
  reason: GapReason;
}

/** Bounds a backlog. */
export interface BacklogBounds {
  readonly entries: number;
  readonly bytes: number;
}

/**
 * What waits for the listener of a subscription. It is bounded: an event that finds no room becomes
 * part of a gap in its place. A gap always finds room, and joins the one before it when there is
 * none, so that there are never more than `entries` and one gap for each origin.
 */
export class Backlog {
  readonly #bounds: BacklogBounds;
  readonly #counters: Counters;
  readonly #entries = new Denque<EventEntry | GapEntry>();
  #bytes = 0;

  constructor(bounds: BacklogBounds, counters: Counters) {
    this.#bounds = bounds;
    this.#counters = counters;
  }

  get length(): number {
    return this.#entries.length;
  }

  /** Whether nothing more fits. */
  get full(): boolean {
    return this.#entries.length >= this.#bounds.entries || this.#bytes >= this.#bounds.bytes;
  }

  /** Appends an event, or counts it as missing. */
  give(entry: EventEntry): void {
    if (this.full) {
      this.#counters.eventsUnread += 1;
      this.miss(entry.origin, 1, entry.number + 1, 'slow');
      return;
    }
    this.#counters.eventsReceived += 1;
    this.#bytes += entry.size;
    entry.origin.trailing = undefined;
    this.#entries.push(entry);
  }

  /** Appends a gap of so many up to, but not with, the number `next`. */
  miss(origin: Origin, missed: number, next: number, reason: GapReason): void {
    this.#counters.eventsMissed += missed;
    this.#gap(origin, missed, next, reason);
  }

  /** Appends a gap of which nobody can know how large it is. */
  missUnknown(origin: Origin, reason: GapReason): void {
    this.#gap(origin, 'unknown', undefined, reason);
  }

  /** Takes the oldest entry. */
  shift(): EventEntry | GapEntry | undefined {
    const entry = this.#entries.shift();
    if (entry === undefined) return undefined;
    if (entry.kind === 'event') this.#bytes -= entry.size;
    else if (entry.origin.trailing === entry) entry.origin.trailing = undefined;
    return entry;
  }

  clear(): void {
    while (this.shift() !== undefined);
  }

  #gap(
    origin: Origin,
    missed: number | 'unknown',
    next: number | undefined,
    reason: GapReason,
  ): void {
    const { trailing } = origin;
    if (trailing !== undefined && (trailing.reason === reason || this.full)) {
      if (trailing.missed === 'unknown' || missed === 'unknown') trailing.missed = 'unknown';
      else trailing.missed += missed;
      trailing.next = trailing.missed === 'unknown' ? undefined : next;
      if (trailing.reason !== reason) trailing.reason = 'slow';
      return;
    }
    const gap: GapEntry = { kind: 'gap', origin, missed, next, reason };
    origin.trailing = gap;
    this.#entries.push(gap);
  }
}
