import { assert } from './assert.ts';

/**
 * Every bound of the library, with its reason. An endpoint takes overrides for those marked
 * *tunable*; reaching a bound is a named outcome (`busy`, a counted drop), never silent.
 */
export interface Limits {
  /** Sessions at one endpoint, opened by either side. Tunable. */
  readonly sessionsMax: number;
  /** Sessions from one peer address: a hostile peer cannot take all places. Tunable. */
  readonly sessionsPerPeerMax: number;
  /** Sessions offered but not yet used: one small record each, oldest dropped first. Tunable. */
  readonly halfOpenMax: number;
  /** Calls of one session that wait or are open at the client; more are `busy`. Tunable. */
  readonly callsPerSessionMax: number;
  /** Payload bytes of those calls; more are `busy`. Tunable. */
  readonly callBytesPerSessionMax: number;
  /**
   * Requests that an endpoint holds (waiting, running or with a reply not acknowledged). A session
   * may hold as many as are left, so half of them where it is the only one. Tunable.
   */
  readonly requestsMax: number;
  /** Payload bytes of requests that wait or run; shared out likewise. Tunable. */
  readonly requestBytesMax: number;
  /**
   * Refusals that no peer has acknowledged. A session with more of them than are left, and than
   * its equal share (of `sessionsMax`), is given up: so there are never twice as many. Tunable.
   */
  readonly refusalsMax: number;
  /** Replies kept for retransmission, over all sessions: how many, and how many bytes. Tunable. */
  readonly repliesMax: number;
  readonly replyBytesMax: number;
  /** How far dedup looks ahead of the oldest request not seen: one bit each. Tunable. */
  readonly seqWindow: number;
  /** FIFO channels of one session with calls in them at the same time. Tunable. */
  readonly channelsMax: number;
  /**
   * Places in channels that were taken back or refused and stand behind a gap, over all sessions.
   * A session with more than are left, and than its equal share (of `sessionsMax`), is given up.
   */
  readonly placesMax: number;
  /** The longest payload that travels in one datagram; a longer one goes in pieces. */
  readonly payloadMax: number;
  /** The longest value of a call, a reply or a stream, bytes (semantics 14). Tunable. */
  readonly valueMax: number;
  /**
   * What a peer may send of the values of one call before they are taken: bytes, and 64 for each
   * piece. Tunable; one direction of a stream runs at this much per round trip at most.
   */
  readonly creditMax: number;
  /**
   * What an endpoint holds of values in pieces for whoever is to take them: bytes, and 64 for each
   * piece. A session may hold as much as is left, so half of it where it is the only one. Tunable.
   */
  readonly flowCostMax: number;
  /** The longest datagram that is packed of several messages: 16 KiB let the peer start early. */
  readonly packedMax: number;
  /**
   * How long a call waits to be sent, and then for a handler's turn, before it is refused as busy,
   * ms; half of its time if that is less. Tunable.
   */
  readonly waitMs: number;
  /** Default time for a call, ms. Tunable. */
  readonly callTimeoutMs: number;
  /**
   * Calls that a connection sends again to later sessions of its own accord: so many at once, and
   * one for ten calls that ran since. Beyond, they fail with what is known of them. Tunable.
   */
  readonly repeatsMax: number;
  /** How often one call that may have run is sent again: it may be what ends servers. Tunable. */
  readonly repeatsPerCallMax: number;
  /** Quiet, while calls are open here, after which the peer is asked if it lives, ms. Tunable. */
  readonly pingMs: number;
  /** Silence, while something is outstanding, after which a session is given up, ms. Tunable. */
  readonly silenceMs: number;
  /**
   * Quiet, while nothing is open, after which a session lets go of its tables, ms: it keeps a tenth
   * of its memory and takes some microseconds to wake. Tunable.
   */
  readonly sleepMs: number;
  /** Requests to bare peers open at an endpoint. Tunable. */
  readonly bareRequestsMax: number;
  /** Parts of one bare reply that wait for a slow consumer; more fail the request. */
  readonly barePartsMax: number;
  /** Completed (seq, ack) pairs remembered, so that a late duplicate is not news (semantics 4). */
  readonly completedPairsMax: number;
  /** Sessions lost with calls open that are remembered to answer `unknown` truthfully. */
  readonly lostSessionsMax: number;
  /** Publishers of an endpoint, those that are closed but still tell so included. Tunable. */
  readonly publishersMax: number;
  /** Events of one publisher that wait for the transport; more are `busy`. Tunable. */
  readonly eventsQueuedMax: number;
  /** Their bytes; more are `busy`. Tunable. */
  readonly eventBytesQueuedMax: number;
  /** Events that wait for a slow subscriber; those beyond are a gap. Tunable. */
  readonly eventsUnreadMax: number;
  /** Their bytes; those beyond are a gap. Tunable. */
  readonly eventBytesUnreadMax: number;
  /** Addresses that a subscription follows; the one heard least recently gives way. Tunable. */
  readonly eventSendersMax: number;
  /** Events of one subscription that wait for those before them. Tunable. */
  readonly eventsHeldMax: number;
  /** Their bytes. Tunable. */
  readonly eventBytesHeldMax: number;
  /** How long they wait at least, where the transport may reorder, ms. Tunable. */
  readonly eventReorderMs: number;
}

/** Holds every bound where the endpoint is not told otherwise. */
export const defaultLimits: Limits = {
  sessionsMax: 4096,
  sessionsPerPeerMax: 16,
  halfOpenMax: 1024,
  callsPerSessionMax: 131_072,
  callBytesPerSessionMax: 64 * 1024 * 1024,
  requestsMax: 262_144,
  requestBytesMax: 256 * 1024 * 1024,
  refusalsMax: 262_144,
  repliesMax: 262_144,
  replyBytesMax: 256 * 1024 * 1024,
  seqWindow: 65_536,
  channelsMax: 1024,
  placesMax: 131_072,
  payloadMax: 60 * 1024,
  valueMax: 16 * 1024 * 1024,
  creditMax: 256 * 1024,
  flowCostMax: 256 * 1024 * 1024,
  packedMax: 16 * 1024,
  waitMs: 10_000,
  callTimeoutMs: 30_000,
  repeatsMax: 16_384,
  repeatsPerCallMax: 4,
  pingMs: 40,
  silenceMs: 60_000,
  sleepMs: 1_000,
  bareRequestsMax: 1024,
  barePartsMax: 4096,
  completedPairsMax: 4096,
  lostSessionsMax: 4096,
  publishersMax: 1024,
  eventsQueuedMax: 65_536,
  eventBytesQueuedMax: 16 * 1024 * 1024,
  eventsUnreadMax: 65_536,
  eventBytesUnreadMax: 16 * 1024 * 1024,
  eventSendersMax: 1024,
  eventsHeldMax: 4096,
  eventBytesHeldMax: 4 * 1024 * 1024,
  eventReorderMs: 10,
};

/** The least window of sequence numbers: with less a peer could not be talked to. */
export const WINDOW_MIN = 64;

/** The least credit: with less a peer could not be talked to. */
export const CREDIT_MIN = 4096;

/** Completes and checks overrides. Relations between bounds are asserted here, once. */
export function resolveLimits(overrides: Partial<Limits> = {}): Limits {
  const limits = { ...defaultLimits, ...overrides };
  for (const [name, value] of Object.entries(limits)) {
    assert(value > 0, `limit ${name} is positive`);
  }
  assert((limits.seqWindow & (limits.seqWindow - 1)) === 0, 'seqWindow is a power of two');
  assert(
    limits.seqWindow >= WINDOW_MIN && limits.seqWindow <= 2 ** 30,
    'seqWindow is a part of the seqs',
  );
  assert(limits.payloadMax <= 0xffff - 512, 'a payload and its headers fit cn_msg.len');
  assert(limits.valueMax < 2 ** 31, 'a value stays within half of the numbers of credit');
  assert(
    limits.creditMax >= CREDIT_MIN && limits.creditMax < 2 ** 30,
    'credit allows a piece and has room to grow',
  );
  assert(limits.completedPairsMax <= 2 ** 24, 'replies of bare peers are remembered in one ring');
  assert(limits.channelsMax <= 0xffff, 'a channel number is 16 bits, 0 is none');
  assert(limits.sessionsPerPeerMax <= limits.sessionsMax, 'one peer has no more than all');
  return limits;
}
