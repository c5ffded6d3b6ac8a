import type { Backlog } from './backlog.ts';
import type { Counters } from './counters.ts';
import type { FlowRoom } from './flow-room.ts';
import type { Incoming } from './incoming.ts';
import type { Session } from './session.ts';
import type { Vigil } from './vigil.ts';
import type { Limits } from '../core/limits.ts';
import type { Random } from '../core/random.ts';
import type { Arena } from '../core/arena.ts';
import type { Copies } from '../core/copies.ts';
import type { ReplyCache } from '../reliability/replies.ts';
import type { Expiring, Wheel } from '../reliability/wheel.ts';
import type { Traits } from '../transport/transport.ts';

/** A thing with a deadline that knows what to do when it comes. */
export interface Timed extends Expiring {
  expire(): void;
}

/** What all sessions of one endpoint share. Made by the endpoint, handed down, never global. */
export interface Resources {
  readonly limits: Limits;
  readonly traits: Traits;
  readonly grainMs: number;
  /** Cryptographic where it matters: acks and tags are drawn from it. */
  readonly random: Random;
  readonly deadlines: Wheel<Timed>;
  readonly replies: ReplyCache<Incoming>;
  readonly counters: Counters;
  /** Memory for encoded messages, and for the bytes that users get. */
  readonly arena: Arena;
  readonly copies: Copies;
  /** What the values in pieces cost that came and were not taken; within `limits.flowCostMax`. */
  readonly flows: FlowRoom;
  /** Who is awake, and goes to sleep when nothing happens for `limits.sleepMs`. */
  readonly vigil: Vigil<Session>;
  /** What a peer may have outstanding towards us at the moment, truesize. */
  readonly grant: () => number;
  /** A session has something to send or to report: the driver is to poll it. */
  readonly touched: (session: Session) => void;
  /** A service has requests to start, or to refuse: the driver is to run it. */
  readonly runnable: (backlog: Backlog) => void;
  /** A good datagram came in this session. */
  readonly heard: (session: Session) => void;
  /** Datagrams of some session were found lost. */
  readonly thinned: () => void;
  /** Something was added to `deadlines` outside of a turn: the driver is to set its timer. */
  readonly armed: () => void;
  /** Requests held over all sessions, kept within `limits.requestsMax`. */
  requestsHeld: number;
  /** Their payload bytes, kept within `limits.requestBytesMax`. */
  requestBytesHeld: number;
  /** Places in channels, behind gaps, that no request holds; within `limits.placesMax`. */
  placesHeld: number;
  /** Refusals not acknowledged, over all sessions, kept within `limits.refusalsMax`. */
  refusalsHeld: number;
}
