import type { Outgoing } from '../reliability/outgoing.ts';
import type { SendOutcome } from '../transport/transport.ts';
import * as frame from '../transport/wire/frame.ts';

/**
 * What an endpoint has seen and done, counted from its start. Every datagram that comes is counted
 * once in `datagramsReceived` and, unless it was good, under exactly one reason in `dropped`.
 */
export interface Counters {
  datagramsSent: number;
  datagramsReceived: number;
  /** Messages sent, each transmission counted: a retransmission is one more. */
  requestsSent: number;
  repliesSent: number;
  /** CANCEL and CLOSE messages, handshakes and datagrams that only acknowledge. */
  controlSent: number;
  /** Sends that the transport did not take. */
  sendBusy: number;
  sendNoMemory: number;
  sendFailed: number;
  /** Datagrams that the transport says this side lost. */
  overrun: number;
  sessionsOpened: number;
  sessionsLost: number;
  /** Calls that went on in another session (P6.13), and those that failed instead. */
  callsRepeated: number;
  repeatsWithheld: number;
  /** Retransmitted requests recognised as such: each would have been a second execution. */
  duplicateRequests: number;
  /** Requests refused as busy because they had waited too long. */
  requestsShed: number;
  /** Replies to calls that were settled before they came. */
  duplicateReplies: number;
  /** Replies whose ack is not that of the request + 1. */
  unmatchedReplies: number;
  /** Replies that gave way to the cache's bounds. */
  repliesEvicted: number;
  /** Handlers of one-way messages that failed: nobody else hears of it. */
  unheardFailures: number;
  /** Events that the transport took. */
  eventsSent: number;
  /** Events handed to subscriptions, each counted at each. */
  eventsReceived: number;
  /** Events that came again, or after their gap was reported. */
  eventsStale: number;
  /** Events reported to subscriptions as missed, where the number is known. */
  eventsMissed: number;
  /** Those of them that came, and found the buffer of a slow subscription full. */
  eventsUnread: number;
  /** Datagrams dropped, by reason. */
  readonly dropped: Record<Drop, number>;
}

/** Why a datagram was dropped whole. Closed; docs/PROTOCOL.md §8 explains each. */
export const drops = [
  'short', // no room for a nlmsghdr and a cn_msg
  'nlmsg-length', // nlmsg_len below 36 or beyond the datagram
  'cn-length', // cn_msg.len beyond its nlmsghdr
  'version', // another version of the session format
  'malformed', // a session datagram whose parts contradict each other
  'checksum', // the CRC-32 is not that of the bytes
  'unknown-session', // no such session here; answered by RESET
  'wrong-tag', // right session number, wrong verification tag or peer
  'duplicate-datagram', // a copy made by the network
  'stale-datagram', // too old to tell whether it is a copy
  'bad-number', // datagram number and floor contradict each other
  'ack-of-unsent', // acknowledges what was never sent
  'unexpected', // an answer to nothing that is open, a duplicate of a handshake
  'no-service', // nobody here serves the id
  'denied', // the allow rule says no
  'over-limit', // a bound on sessions or requests is reached; the peer is told
  'consumed-reply', // a bare reply that was consumed before (semantics 4)
  'closed', // OPEN for a service that is being closed; answered by REFUSED
  'no-subscriber', // an EVENT of an id that nobody here has subscribed to
  'no-publisher', // an ASK for an id that nobody here publishes; answered by EVENT of stream 0
  'stale-event', // events that all were had, or reported as missed, before
  'unconfirmed', // events of a stream that may be an old one, until its publisher has answered
] as const;

/** Names why a datagram was dropped; see `drops`. */
export type Drop = (typeof drops)[number];

/** Makes counters that have counted nothing. */
export function newCounters(): Counters {
  const dropped = Object.fromEntries(drops.map((reason) => [reason, 0]));
  return {
    datagramsSent: 0,
    datagramsReceived: 0,
    requestsSent: 0,
    repliesSent: 0,
    controlSent: 0,
    sendBusy: 0,
    sendNoMemory: 0,
    sendFailed: 0,
    overrun: 0,
    sessionsOpened: 0,
    sessionsLost: 0,
    callsRepeated: 0,
    repeatsWithheld: 0,
    duplicateRequests: 0,
    requestsShed: 0,
    duplicateReplies: 0,
    unmatchedReplies: 0,
    repliesEvicted: 0,
    unheardFailures: 0,
    eventsSent: 0,
    eventsReceived: 0,
    eventsStale: 0,
    eventsMissed: 0,
    eventsUnread: 0,
    dropped: dropped as Record<Drop, number>,
  };
}

/** Counts one attempt to send a datagram. */
export function countSend(counters: Counters, outcome: SendOutcome): void {
  if (outcome === 'sent') counters.datagramsSent += 1;
  else if (outcome === 'busy') counters.sendBusy += 1;
  else if (outcome === 'no-memory') counters.sendNoMemory += 1;
  else counters.sendFailed += 1;
}

/** Counts the messages of one datagram that was sent. */
export function countMessages(counters: Counters, messages: readonly Outgoing[]): void {
  if (messages.length === 0) counters.controlSent += 1;
  for (const { kind } of messages) {
    if (kind === frame.REQUEST || kind === frame.SEND) counters.requestsSent += 1;
    else if (kind === frame.REPLY) counters.repliesSent += 1;
    else counters.controlSent += 1;
  }
}
