import type { ConnectorId } from '../../../core/id.ts';
import type { Limits } from '../../../core/limits.ts';

/** The ids that events are published under. They share a group: one must not be the other. */
export const TOPICS: readonly ConnectorId[] = [{ idx: 7, val: 1 }, { idx: 7, val: 2 }];

/** What is drawn of events for one endpoint; it holds for all its incarnations. */
export interface HeraldPlan {
  /** Where in `TOPICS` it publishes. */
  readonly topic: number;
  /** How often it publishes a second; 0: never. */
  readonly perSecond: number;
  /** Probabilities, each time: several events at once, a long one, one too long, the end. */
  readonly batch: number;
  readonly large: number;
  readonly tooLong: number;
  readonly ends: number;
  readonly listeners: readonly ListenerPlan[];
  readonly limits: Partial<Limits>;
}

/** One loop that subscribes, takes events, leaves and subscribes again. */
export interface ListenerPlan {
  /** Where in `TOPICS` it listens. */
  readonly topic: number;
  /** How late it subscribes, ms at most. */
  readonly lateMs: number;
  /** How long it stays, ms on average; Infinity: to the end. */
  readonly stayMs: number;
  readonly buffer: number;
  /** How long it takes for one event, ms at most. */
  readonly paceMs: number;
  /** It takes nothing from the hostile peer. */
  readonly choosy: boolean;
}

/** Datagrams of events that the hostile peer sends a second; 0: none. */
export interface Forgery {
  /** Recorded ones, from its own address. */
  readonly replays: number;
  /** Recorded ones, from where they came from. */
  readonly impersonations: number;
  /** Changed ones under a right checksum, from its own address. */
  readonly forgeries: number;
}

/** The events of a world. */
export interface EventPlan {
  /** By place of the endpoint among the parties. */
  readonly heralds: readonly HeraldPlan[];
  /** So many are published until the faults stop. */
  readonly publishedMax: number;
  readonly forgery: Forgery;
}
