import type { ConnectorId } from '../../core/id.ts';
import { portidOf } from '../../transport/portid.ts';

/** What a crash run does. */
export interface Plan {
  /** How many processes are killed in all. */
  readonly kills: number;
  readonly clients: number;
  readonly seed: number;
}

/** Where in its work a process kills itself. */
export type Point =
  | 'before-entry' // it has run, or was told, and has not entered that
  | 'after-entry' // it has entered that, and nothing of it has left
  | 'reactions' // a microtask later: the reply is queued, or the call made, and not sent
  | 'sent'; // a turn of the event loop later

/** A process kills itself the `count`th time that it comes to the point. */
export interface Fuse {
  readonly point: Point;
  readonly count: number;
}

/** What the conductor tells a worker process. */
export type Order =
  | {
      readonly kind: 'serve' | 'call';
      /** Names this life of the seat; no two have the same. */
      readonly label: string;
      /** The file that all append to. */
      readonly book: string;
      readonly id: ConnectorId;
      /** Where to bind: each life of a seat at the same address. */
      readonly portid: number;
      readonly seed: number;
      readonly fuse: Fuse | undefined;
    }
  | { readonly kind: 'finish' };

/**
 * What a worker answers: it is loaded, it has run or was told something for the first time, it has
 * finished, or what it died of.
 */
export type Answer =
  | { readonly kind: 'warm' }
  | { readonly kind: 'working' }
  | { readonly kind: 'finished' }
  | { readonly kind: 'failed'; readonly message: string };

/** The id that a run serves: runs side by side do not meet. */
export function idOf(pid: number): ConnectorId {
  return { idx: 0x43524153, val: pid };
}

/** The address of a client, the same in all of its lives. */
export function clientPortid(id: ConnectorId, client: number): number {
  return portidOf({ idx: id.idx + client, val: id.val });
}
