import type { Timed } from './resources.ts';
import { ConnectorError, type ErrorCode } from '../core/errors.ts';
import { assert } from '../core/assert.ts';
import type { ConnectorId } from '../core/id.ts';
import type { Random } from '../core/random.ts';
import { backoffMs } from '../reliability/backoff.ts';
import type { Genes, Match, MatchRule } from '../reliability/match.ts';
import type { RoundTrip } from '../reliability/rtt.ts';
import type { Expiring } from '../reliability/wheel.ts';
import type { Credentials, Peer, SendOutcome } from '../transport/transport.ts';

/** A message of a bare peer. */
export interface BareMessage {
  readonly id: ConnectorId;
  readonly seq: number;
  readonly ack: number;
  readonly flags: number;
  /** May be a part of a larger `ArrayBuffer`, as small Buffers are. */
  readonly payload: Uint8Array;
  readonly peer: Peer;
  /** The multicast group it was sent to; 0 for unicast. */
  readonly group: number;
  readonly credentials: Credentials | undefined;
}

/** Holds what a request to a bare peer is made of. */
export interface BareRequestOptions {
  readonly id: ConnectorId;
  readonly peer: Peer;
  readonly payload: Uint8Array;
  readonly flags: number;
  readonly rule: MatchRule;
  /** Repeat it until it is answered. */
  readonly repeatable: boolean;
  /** It waits while the oldest open one to its id is so many sequence numbers behind. */
  readonly window: number;
  /** What its reply may charge the receive queue. */
  readonly charge: number;
  /** When it expires, in clock time; Infinity: never. */
  readonly deadline: number;
  readonly random: Random;
  /** The estimate for this peer; repeated requests give no sample (Karn's rule, RFC 6298 §3). */
  readonly roundTrip: RoundTrip;
  /** Takes each part of the reply; `final` on the last. */
  readonly part: (message: BareMessage, match: Match) => void;
  readonly failed: (error: ConnectorError) => void;
}

/** What the exchange wants to hear of. */
export interface BareRequestHooks {
  readonly due: (request: BareRequest) => void;
  readonly ended: (request: BareRequest) => void;
}

/** How a repetition backs off: doubling, within 5 s. */
const REPEAT_FACTOR = 2;
const REPEAT_MAX_MS = 5_000;
/** A full queue or a lack of memory is short-lived. */
const RETRY_MS = 1;

/** One request to a bare peer, from its first sending until it is settled. Sans-IO. */
export class BareRequest implements Timed {
  readonly options: BareRequestOptions;
  genes: Genes = { seq: 0, ack: 0 };
  settled = false;
  /** It has room for its reply. */
  admitted = false;
  /** When it is to be looked at: to be repeated, or because it expires. */
  deadline: number;
  earlier: Expiring | undefined = undefined;
  later: Expiring | undefined = undefined;
  slot = -1;
  /** Lets go of what could abort it. */
  untie: () => void = nothing;
  #hooks: BareRequestHooks | undefined;
  #transmissions = 0;
  #sentAt = 0;
  #repeatAt = Infinity;
  /** The transport would not take it the last time. */
  #refused = false;

  constructor(options: BareRequestOptions) {
    this.options = options;
    this.deadline = options.deadline;
  }

  begin(genes: Genes, now: number, hooks: BareRequestHooks): void {
    this.genes = genes;
    this.#sentAt = now;
    this.#hooks = hooks;
  }

  expire(): void {
    assert(this.#hooks !== undefined, 'a request that expires has begun');
    this.#hooks.due(this);
  }

  /** Takes the fate of a sending. */
  transmitted(outcome: SendOutcome, now: number): void {
    this.#refused = outcome === 'busy';
    switch (outcome) {
      case 'sent':
        this.#transmissions += 1;
        this.#sentAt = now;
        this.#repeatAt = this.options.repeatable ? now + this.#waitMs : Infinity;
        break;
      case 'busy':
      case 'no-memory':
        this.#repeatAt = now + RETRY_MS; // nothing was sent, so this repeats nothing
        break;
      case 'no-peer':
        // An agent that is being restarted is worth waiting for only if it has been there before.
        if (this.#transmissions > 0 && this.options.repeatable) this.#repeatAt = now + this.#waitMs;
        else this.fail('no-peer', 'nobody is bound to the address');
        break;
      case 'too-big':
        this.fail('too-big', 'the transport carries no message of this length');
        break;
      case 'denied':
        this.fail('refused', 'the system does not let this process send to the peer');
    }
    this.deadline = Math.min(this.#repeatAt, this.options.deadline);
  }

  /** Its time has come: true if it is to be sent again now; else it has expired. */
  repeat(now: number): boolean {
    if (now >= this.options.deadline) {
      this.fail('deadline-exceeded', 'no reply within the time allowed');
      return false;
    }
    const due = now >= this.#repeatAt;
    if (due) this.#taken();
    else this.deadline = Math.min(this.#repeatAt, this.options.deadline);
    return due;
  }

  /** Its reply may have been lost just now: true if it is to be sent again at once. */
  handleOverrun(): boolean {
    // Without a time to be repeated at it cannot be repeated, or waits to be sent already.
    if (this.#transmissions === 0 || this.#repeatAt === Infinity) return false;
    this.#taken();
    return true;
  }

  /** What made the transport refuse it may be over: true if it is to be sent again at once. */
  retry(): boolean {
    if (this.settled || !this.#refused) return false;
    this.#taken();
    return true;
  }

  /** Whether a message answers it. The rule may be the caller's own: one that throws says no. */
  match(received: Genes, payload: Uint8Array): Match {
    try {
      return this.options.rule(this.genes, received, payload);
    } catch {
      return 'no';
    }
  }

  /** A reply to it came. */
  answered(message: BareMessage, match: Match, now: number): void {
    if (this.#transmissions === 1) this.options.roundTrip.sample(now - this.#sentAt, 0);
    if (match === 'final') this.#end();
    this.options.part(message, match);
  }

  fail(code: ErrorCode, message: string): void {
    if (this.settled) return;
    this.#end();
    const outcome = this.#transmissions === 0 ? 'not-sent' : 'unknown';
    this.options.failed(new ConnectorError(code, message, { outcome }));
  }

  /** It stands in the line of what is to be sent. */
  #taken(): void {
    this.#refused = false;
    this.#repeatAt = Infinity;
    this.deadline = this.options.deadline;
  }

  get #waitMs(): number {
    const baseMs = this.options.roundTrip.probeMs;
    const backoff = { baseMs, factor: REPEAT_FACTOR, maxMs: REPEAT_MAX_MS };
    return backoffMs(backoff, this.#transmissions - 1, this.options.random);
  }

  #end(): void {
    this.settled = true;
    this.untie();
    this.#hooks?.ended(this);
  }
}

function nothing(): void {}
