/**
 * What is known of a failed call (docs/PROTOCOL.md, P6.8). `unknown` is the honest answer whenever
 * the request left this process and nobody who could know has said what became of it: reporting it
 * as a plain time-out would imply that it did not run.
 */
export type Outcome = 'not-sent' | 'not-executed' | 'executed' | 'unknown';

/** Every code a `ConnectorError` can carry: what it means, and whether trying again can help. */
export const errorCodes = {
  'invalid-argument': { retryable: false, meaning: 'the caller misused the API; nothing was sent' },
  'too-big': { retryable: false, meaning: 'the message is larger than the transport carries' },
  unavailable: { retryable: false, meaning: 'this machine cannot open the transport' },
  'no-peer': { retryable: true, meaning: 'nobody is bound to the address' },
  refused: { retryable: false, meaning: 'the peer, or a rule about the peer, does not allow it' },
  busy: { retryable: true, meaning: 'a stated bound is reached, here or at the peer' },
  cancelled: { retryable: false, meaning: 'the caller aborted the call' },
  'deadline-exceeded': { retryable: true, meaning: 'the time allowed is used up' },
  'peer-lost': { retryable: true, meaning: 'the session ended while the call was open' },
  'reply-evicted': { retryable: false, meaning: 'the call ran, but its reply is gone' },
  unimplemented: { retryable: false, meaning: 'the peer serves no such method' },
  application: { retryable: false, meaning: 'the handler ran and threw' },
  malformed: { retryable: false, meaning: 'the peer sent a payload that cannot be read' },
  closed: { retryable: false, meaning: 'this endpoint, or the peer in good order, is closed' },
} as const;

/** Names what went wrong; see `errorCodes`. */
export type ErrorCode = keyof typeof errorCodes;

/** Adds what is known to an error. */
export interface ConnectorErrorOptions {
  /** What is known of the call; absent where no call was involved. */
  readonly outcome?: Outcome;
  readonly cause?: unknown;
}

/**
 * The only error class of the library. `code` is closed (see `errorCodes`), `outcome` states what
 * is known of a failed call, `retryable` whether the same call may succeed later. A caller should
 * repeat a call by itself only if `outcome` is `not-sent` or `not-executed`, or the method is
 * idempotent.
 */
export class ConnectorError extends Error {
  override readonly name = 'ConnectorError';
  readonly code: ErrorCode;
  readonly outcome: Outcome | undefined;

  constructor(code: ErrorCode, message: string, options: ConnectorErrorOptions = {}) {
    super(`${code}: ${message}`, 'cause' in options ? { cause: options.cause } : undefined);
    this.code = code;
    this.outcome = options.outcome;
  }

  get retryable(): boolean {
    return errorCodes[this.code].retryable;
  }
}

/**
 * Narrows anything thrown to a `ConnectorError` with one of the given codes (any, if none given).
 */
export function isConnectorError(error: unknown, ...codes: ErrorCode[]): error is ConnectorError {
  if (!(error instanceof ConnectorError)) return false;
  return codes.length === 0 || codes.includes(error.code);
}

/** Throws `invalid-argument` unless `condition` holds: local misuse fails at once, by name. */
export function required(condition: boolean, message: string): asserts condition {
  if (!condition) throw new ConnectorError('invalid-argument', message, { outcome: 'not-sent' });
}
