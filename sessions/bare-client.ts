import { LRUCache } from 'lru-cache/raw';
import type { BareExchange } from './bare.ts';
import { BareRequest, type BareMessage } from './bare-request.ts';
import type { ReplySize } from './reply-room.ts';
import type { Resources } from './resources.ts';
import type { Clock } from '../core/clock.ts';
import { plain } from '../core/copies.ts';
import { ConnectorError, required } from '../core/errors.ts';
import { checkId, formatId, type ConnectorId } from '../core/id.ts';
import { documented, type Match, type MatchRule } from '../reliability/match.ts';
import { RoundTrip } from '../reliability/rtt.ts';
import type { Peer } from '../transport/transport.ts';

/** The longest datagram of agents that nothing more is known of: those in the tree fill a page. */
const REPLY_SIZE: ReplySize = { datagrams: 1, bytes: 4096 };

/** Peers whose round trip is remembered. */
const ROUND_TRIPS_MAX = 256;

/** Adjusts a request to a bare peer. */
export interface BareCallOptions {
  /** ms; default `limits.callTimeoutMs`; Infinity for none. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** How the agent answers; default `documented`: the same seq, ack + 1. */
  readonly rule?: MatchRule;
  /** `cn_msg.flags`; default 0. */
  readonly flags?: number;
  /** Repeat the request until it is answered: the agent may then execute it more than once. */
  readonly idempotent?: boolean;
  /**
   * The agent remembers its replies to so many sequence numbers of a socket, and answers a repeated
   * request again without executing it again (test/kernel/module/reply_memory.h). The request is
   * repeated until it is answered, and waits while the oldest open one is so far behind: it is
   * executed exactly once if it is answered, and else at most once.
   */
  readonly remembered?: number;
  /**
   * The most that answers it; default one datagram of 4096 bytes. Requests wait until the replies
   * to all that are open fit into the receive queue together (semantics 25).
   */
  readonly reply?: ReplySize;
}

/** Requests to bare peers as promises and async iterables. */
export class BareClient {
  readonly #exchange: BareExchange;
  readonly #resources: Resources;
  readonly #clock: Clock;
  readonly #roundTrips = new LRUCache<string, RoundTrip>({ max: ROUND_TRIPS_MAX });
  /** The one asked for last: most talk is with one agent. */
  #last: (ConnectorId & { readonly peer: Peer; readonly roundTrip: RoundTrip }) | undefined;

  constructor(exchange: BareExchange, resources: Resources, clock: Clock) {
    this.#exchange = exchange;
    this.#resources = resources;
    this.#clock = clock;
  }

  /** Sends a request; resolves with the last part of its reply. Rejects with `ConnectorError`. */
  request(
    id: ConnectorId,
    peer: Peer,
    payload: Uint8Array,
    options: BareCallOptions = {},
  ): Promise<BareMessage> {
    return new Promise((resolve, reject) => {
      this.#start(id, peer, payload, options, reject, (message, match) => {
        if (match === 'final') resolve(message);
      });
    });
  }

  /**
   * Sends a request; yields each part of its reply as it comes, the last one included. Leaving the
   * loop cancels the request.
   */
  async *requestParts(
    id: ConnectorId,
    peer: Peer,
    payload: Uint8Array,
    options: BareCallOptions = {},
  ): AsyncGenerator<BareMessage, void, void> {
    const parts: BareMessage[] = [];
    let finished = false;
    let failure: unknown;
    let wake: (() => void) | undefined;
    const fail = (error: unknown): void => {
      failure = error;
      finished = true;
      wake?.();
    };
    const request = this.#start(id, peer, payload, options, fail, (message, match) => {
      parts.push(message);
      finished = match === 'final';
      if (parts.length > this.#resources.limits.barePartsMax) {
        request.fail('busy', 'the consumer of the parts is too slow');
      }
      wake?.();
    });
    try {
      for (;;) {
        const part = parts.shift();
        if (part !== undefined) yield part;
        else if (failure !== undefined) throw failure;
        else if (finished) return;
        else await new Promise<void>((resolve) => (wake = resolve));
      }
    } finally {
      request.fail('cancelled', 'the consumer has left');
    }
  }

  #start(
    id: ConnectorId,
    peer: Peer,
    payload: Uint8Array,
    options: BareCallOptions,
    failed: (error: unknown) => void,
    part: (message: BareMessage, match: Match) => void,
  ): BareRequest {
    const { random, limits } = this.#resources;
    const { room } = this.#exchange;
    const { signal, rule = documented, flags = 0, idempotent = false } = options;
    const { timeoutMs = limits.callTimeoutMs, remembered, reply = REPLY_SIZE } = options;
    this.#check(timeoutMs, remembered ?? Infinity, reply);
    this.#refuse(payload, reply, signal);
    const request = new BareRequest({
      id: checkId(id),
      peer,
      payload: plain(payload).slice(),
      flags,
      rule,
      repeatable: idempotent || remembered !== undefined,
      window: remembered ?? Infinity,
      charge: room.charge(reply),
      deadline: this.#clock.now() + timeoutMs,
      random,
      roundTrip: this.#roundTrip(id, peer),
      part,
      failed,
    });
    this.#exchange.request(request);
    if (signal !== undefined) tie(request, signal);
    this.#resources.armed();
    return request;
  }

  /** Texts are written where they are read: they would cost as much as the call. */
  #check(timeoutMs: number, window: number, { datagrams, bytes }: ReplySize): void {
    if (timeoutMs >= 0 && window >= 1 && datagrams >= 1 && bytes >= 0) return;
    required(timeoutMs >= 0, `timeoutMs is a number of milliseconds, not ${timeoutMs}`);
    required(window >= 1, `an agent cannot remember ${window} replies`);
    required(false, `no reply is ${datagrams} times ${bytes} bytes`);
  }

  /** Throws if the request cannot be made. */
  #refuse(payload: Uint8Array, reply: ReplySize, signal: AbortSignal | undefined): void {
    const payloadMax = this.#resources.traits.datagramMax - 36;
    if (payload.length > payloadMax) {
      const message = `${payload.length} bytes, of ${payloadMax} at most`;
      throw new ConnectorError('too-big', message, { outcome: 'not-sent' });
    }
    if (!this.#exchange.room.holds(reply)) {
      const message = `a reply of ${reply.datagrams} datagrams exceeds the receive queue`;
      throw new ConnectorError('too-big', message, { outcome: 'not-sent' });
    }
    if (signal?.aborted) {
      const cause = { outcome: 'not-sent', cause: signal.reason } as const;
      throw new ConnectorError('cancelled', 'aborted before it was made', cause);
    }
  }

  #roundTrip({ idx, val }: ConnectorId, peer: Peer): RoundTrip {
    const last = this.#last;
    if (last?.peer === peer && last.idx === idx && last.val === val) return last.roundTrip;
    const roundTrip = this.#lookUp({ idx, val }, peer);
    this.#last = { idx, val, peer, roundTrip };
    return roundTrip;
  }

  #lookUp(id: ConnectorId, peer: Peer): RoundTrip {
    const key = `${peer} ${formatId(id)}`;
    let known = this.#roundTrips.get(key);
    if (known === undefined) {
      known = new RoundTrip(this.#resources.traits.roundTripHintMs, this.#clock.grainMs);
      this.#roundTrips.set(key, known);
    }
    return known;
  }
}

function tie(request: BareRequest, signal: AbortSignal): void {
  const abort = (): void => request.fail('cancelled', 'aborted by the caller');
  signal.addEventListener('abort', abort, { once: true });
  request.untie = () => signal.removeEventListener('abort', abort);
}
