import pRetry, { AbortError } from 'p-retry';
import { half, type Demux } from './demux.ts';
import { usable, type Answer, type Handshake, type Handshakes } from './handshakes.ts';
import type { Resources } from './resources.ts';
import type { AllowRule, Service } from './service.ts';
import type { Session } from './session.ts';
import { sleep, type Clock } from '../core/clock.ts';
import { ConnectorError, isConnectorError, type ErrorCode } from '../core/errors.ts';
import { formatId, type ConnectorId } from '../core/id.ts';
import { backoffMs } from '../reliability/backoff.ts';
import type { Credentials, Peer, SendOutcome } from '../transport/transport.ts';
import * as frame from '../transport/wire/frame.ts';

/** OPEN is repeated after twice the expected round trip, then ever more slowly, within a second. */
const REPEAT = { factor: 1.5, maxMs: 1_000 } as const;
/** A wait is at most so many times what it is on average. */
const JITTER = 1.25;

/** Says what session is to be opened, and until when. */
export interface DialRequest {
  readonly id: ConnectorId;
  readonly peer: Peer;
  /** When to give up, in clock time. */
  readonly deadline: number;
  readonly signal: AbortSignal | undefined;
  /**
   * The longest wait for an answer, ms, while whoever was there before may come back soon: somebody
   * waits for the outcome of calls. Infinity: nobody does.
   */
  readonly repeatMs: number;
  /** Go on while nobody is bound to the address. */
  readonly waitForReady: boolean;
  readonly allow: AllowRule;
  readonly service: Service | undefined;
}

/** Ties a dialer to its endpoint. */
export interface DialerParts {
  readonly clock: Clock;
  readonly resources: Resources;
  readonly demux: Demux;
  readonly handshakes: Handshakes;
  /** True once the endpoint is closed. */
  readonly closed: () => boolean;
  /** Sends an OPEN now. */
  readonly send: (handshake: Handshake) => SendOutcome;
}

/** Where the answer to an OPEN is left, and who is to be told. */
interface Waiting {
  readonly since: number;
  answer: Answer | undefined;
  wake: (() => void) | undefined;
}

/**
 * Opens sessions. The attempts are p-retry's; the waiting between them is the clock's, so that
 * opening takes part in virtual time like everything else (p-retry with `minTimeout: 0` arms no
 * timer).
 */
export class Dialer {
  readonly #parts: DialerParts;

  constructor(parts: DialerParts) {
    this.#parts = parts;
  }

  /** Opens a session or throws `ConnectorError`, always with outcome `not-sent`. */
  async dial(request: DialRequest): Promise<Session> {
    const { handshakes, demux, resources, clock } = this.#parts;
    const own = demux.half(resources.grant());
    const waiting: Waiting = { since: clock.now(), answer: undefined, wake: undefined };
    const handshake = handshakes.begin(request.id, request.peer, own, (answer) => {
      waiting.answer = answer; // it may come while nobody waits, between two attempts
      waiting.wake?.();
    });
    try {
      const answer = await pRetry(
        (attempt) => this.#attempt(request, handshake, waiting, attempt),
        {
          retries: Infinity,
          minTimeout: 0,
          factor: 1,
          ...(request.signal === undefined ? {} : { signal: request.signal }),
          onFailedAttempt: async ({ error, attemptNumber }) => {
            if (isConnectorError(error, 'deadline-exceeded')) return; // it has waited already
            await sleep(clock, this.#waitMs(attemptNumber, request, waiting), request.signal);
          },
        },
      );
      if (this.#parts.closed()) throw endpointClosed();
      const { opening } = answer;
      const session = demux.open(
        {
          id: request.id,
          peer: request.peer,
          incarnation: opening.incarnation,
          own,
          remote: half(opening),
          credentials: answer.credentials,
          accepted: false,
        },
        clock.now(),
      );
      session.service = request.service;
      session.carrier.acknowledgeNow(clock.now()); // the third leg: the peer makes its session
      resources.touched(session);
      return session;
    } catch (error) {
      throw toConnectorError(error, request);
    } finally {
      handshakes.end(handshake);
    }
  }

  /** Sends the OPEN once (more) and waits for its answer for a while. */
  async #attempt(
    request: DialRequest,
    handshake: Handshake,
    waiting: Waiting,
    attempt: number,
  ): Promise<Extract<Answer, { ok: true }>> {
    const { clock, send, closed } = this.#parts;
    if (closed()) throw new AbortError(endpointClosed());
    const late = waiting.answer === undefined && clock.now() >= request.deadline;
    if (late) throw new AbortError(expired());
    const outcome = waiting.answer === undefined ? send(handshake) : 'sent';
    if (outcome === 'no-peer' && !request.waitForReady) throw new AbortError(noPeer(request));
    if (outcome === 'denied') throw new AbortError(refused('the system forbids the sending'));
    if (outcome !== 'sent') throw new ConnectorError('busy', outcome, { outcome: 'not-sent' });
    const waitMs = this.#waitMs(attempt, request, waiting);
    if (waiting.answer === undefined) await this.#wait(waiting, waitMs, request.signal);
    const { answer } = waiting;
    if (closed()) throw new AbortError(endpointClosed());
    if (answer === undefined) throw expired();
    if (!answer.ok) throw new AbortError(refusal(answer.reason, request.id));
    if (!usable(answer.opening)) throw new AbortError(refused('a window or credit of no use'));
    if (!allows(request, answer.credentials)) {
      throw new AbortError(refused('whoever answers at the address is not allowed to'));
    }
    return answer;
  }

  #wait(waiting: Waiting, waitMs: number, signal: AbortSignal | undefined): Promise<void> {
    const { clock } = this.#parts;
    return new Promise((resolve, reject) => {
      const end = (): void => {
        timer.disarm();
        signal?.removeEventListener('abort', abort);
        waiting.wake = undefined;
      };
      const abort = (): void => {
        end();
        reject(signal?.reason);
      };
      const timer = clock.timer(() => {
        end();
        resolve();
      });
      waiting.wake = () => {
        end();
        resolve();
      };
      signal?.addEventListener('abort', abort, { once: true });
      timer.arm(clock.now() + waitMs);
    });
  }

  #waitMs(attempt: number, request: DialRequest, { since }: Waiting): number {
    const { clock, resources } = this.#parts;
    const now = clock.now();
    const baseMs = Math.max(2 * resources.traits.roundTripHintMs, clock.grainMs);
    const early = now - since < resources.limits.silenceMs;
    const maxMs = early ? Math.min(REPEAT.maxMs, request.repeatMs) : REPEAT.maxMs;
    const backoff = { baseMs, factor: REPEAT.factor, maxMs: maxMs / JITTER };
    const waitMs = backoffMs(backoff, attempt - 1, resources.random);
    return Math.max(0, Math.min(waitMs, request.deadline - now));
  }
}

function refusal(reason: number, id: ConnectorId): ConnectorError {
  const codes: Readonly<Record<number, readonly [ErrorCode, string]>> = {
    [frame.REASON_BUSY]: ['busy', 'the peer has too many sessions'],
    [frame.REASON_DENIED]: ['refused', "the peer's allow rule says no"],
    [frame.REASON_NO_SERVICE]: ['refused', `the peer does not serve ${formatId(id)}`],
    [frame.REASON_CLOSED]: ['closed', 'the peer takes no more sessions'],
  };
  const [code, message] = codes[reason] ?? ['refused', `the peer refused (reason ${reason})`];
  return new ConnectorError(code, message, { outcome: 'not-sent' });
}

/** Asks the rule; one that throws says no. */
function allows(request: DialRequest, credentials: Credentials | undefined): boolean {
  try {
    return request.allow(credentials, request.peer);
  } catch {
    return false;
  }
}

function expired(): ConnectorError {
  const message = 'no session within the time allowed';
  return new ConnectorError('deadline-exceeded', message, { outcome: 'not-sent' });
}

function endpointClosed(): ConnectorError {
  return new ConnectorError('closed', 'the endpoint is closed', { outcome: 'not-sent' });
}

function noPeer({ id, peer }: DialRequest): ConnectorError {
  const message = `nobody is bound to ${peer} for ${formatId(id)}`;
  return new ConnectorError('no-peer', message, { outcome: 'not-sent' });
}

function refused(message: string): ConnectorError {
  return new ConnectorError('refused', message, { outcome: 'not-sent' });
}

function toConnectorError(error: unknown, request: DialRequest): unknown {
  if (error instanceof ConnectorError || request.signal?.aborted !== true) return error;
  const message = 'aborted while the session was being opened';
  return new ConnectorError('cancelled', message, { outcome: 'not-sent', cause: error });
}
