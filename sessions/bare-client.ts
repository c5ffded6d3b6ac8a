import { LRUCache } from 'lru-cache/raw';
import type { BareExchange } from './bare.ts';
import { BareRequest, type BareMessage } from './bare-request.ts';
import type { Resources } from './resources.ts';
import type { Clock } from '../core/clock.ts';
import { ConnectorError, required } from '../core/errors.ts';
import { checkId, formatId, type ConnectorId } from '../core/id.ts';
import { documented, type Match, type MatchRule } from '../reliability/match.ts';
import { RoundTrip } from '../reliability/rtt.ts';
import type { Peer } from '../transport/transport.ts';

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
}

/** Requests to bare peers as promises and async iterables. */
export class BareClient {
  readonly #exchange: BareExchange;
  readonly #resources: Resources;
  readonly #clock: Clock;
  readonly #roundTrips = new LRUCache<string, RoundTrip>({ max: ROUND_TRIPS_MAX });

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
    const { random, limits, traits } = this.#resources;
    const { signal, rule = documented, flags = 0, idempotent = false } = options;
    const { timeoutMs = limits.callTimeoutMs } = options;
    required(timeoutMs >= 0, `timeoutMs is a number of milliseconds, not ${timeoutMs}`);
    if (payload.length > traits.datagramMax - 36) {
      const message = `${payload.length} bytes, of ${traits.datagramMax - 36} at most`;
      throw new ConnectorError('too-big', message, { outcome: 'not-sent' });
    }
    if (signal?.aborted) {
      const cause = { outcome: 'not-sent', cause: signal.reason } as const;
      throw new ConnectorError('cancelled', 'aborted before it was made', cause);
    }
    const abort = (): void => request.fail('cancelled', 'aborted by the caller');
    const request = new BareRequest({
      id: checkId(id),
      peer,
      payload: payload.slice(),
      flags,
      rule,
      idempotent,
      deadline: this.#clock.now() + timeoutMs,
      random,
      roundTrip: this.#roundTrip(id, peer),
      part: (message, match) => {
        if (match === 'final') signal?.removeEventListener('abort', abort);
        part(message, match);
      },
      failed: (error) => {
        signal?.removeEventListener('abort', abort);
        failed(error);
      },
    });
    this.#exchange.request(request);
    signal?.addEventListener('abort', abort, { once: true });
    this.#resources.armed();
    return request;
  }

  #roundTrip(id: ConnectorId, peer: Peer): RoundTrip {
    const key = `${peer} ${formatId(id)}`;
    let known = this.#roundTrips.get(key);
    if (known === undefined) {
      known = new RoundTrip(this.#resources.traits.roundTripHintMs, this.#clock.grainMs);
      this.#roundTrips.set(key, known);
    }
    return known;
  }
}
