import { Call, type Manner, type Site, type Taker, type Tie } from './call.ts';
import { Draft } from './draft.ts';
import type { Flow } from './flow.ts';
import { MethodNames } from './method-names.ts';
import { bytesOf, formatOf, readPayload, UNREADABLE } from './payload.ts';
import { Rejection } from './rejection.ts';
import type { Resources } from './resources.ts';
import type { Session } from './session.ts';
import { pour, Values, type ValueSource } from './values.ts';
import type { Clock } from '../core/clock.ts';
import { ConnectorError, required } from '../core/errors.ts';
import { REQUEST, SEND } from '../transport/wire/frame.ts';

/** Adjusts one call, message or stream. */
export interface CallOptions {
  /** ms; default `limits.callTimeoutMs`, but none for a stream. Infinity: none. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** The FIFO channel; none if absent. */
  readonly channel?: string;
  /**
   * It may run more than once: repeat it in another process of the peer even if it may have run in
   * the one that was lost.
   */
  readonly idempotent?: boolean;
  /** Further values that the handler reads from `context.requests`. Not for messages. */
  readonly requests?: ValueSource;
}

/** Where calls are made: a connection, or a session that is called back on. */
export interface CallSite extends Site {
  readonly clock: Clock;
  readonly resources: Resources;
  /** Throws if no calls are taken. */
  check(): void;
  submit(call: Call): void;
}

const PLAIN = { idempotent: false, streams: false, takesStream: false, begun: undefined };
const CALL: Manner = { kind: REQUEST, ...PLAIN };
const MESSAGE: Manner = { kind: SEND, ...PLAIN };

/** Makes a call; resolves with its reply. */
export function call(
  site: CallSite,
  method: string,
  input: unknown,
  options: CallOptions,
): Promise<unknown> {
  return promised(site, CALL, method, input, options);
}

/** Sends a message; resolves when the peer has accepted it. */
export async function send(
  site: CallSite,
  method: string,
  input: unknown,
  options: CallOptions,
): Promise<void> {
  required(options.requests === undefined, 'a message has no stream of requests');
  await promised(site, MESSAGE, method, input, options);
}

/** Makes a call that is answered by any number of values. It begins when the first is asked for. */
export function stream(
  site: CallSite,
  method: string,
  input: unknown,
  options: CallOptions,
): AsyncGenerator<unknown, void, void> {
  required(options.idempotent !== true, 'a stream cannot be repeated');
  const values = new Values();
  const taker = (value: unknown): void => {
    if (value instanceof Rejection) values.fail(value.error);
    else values.end(value);
  };
  const begun = (made: Call): void => {
    ({ flow } = made);
    values.attach(flow);
  };
  const bytes = payloadOf(site, input);
  const taking = { ...CALL, takesStream: true, begun };
  const manner = mannerOf(site, taking, options);
  const draft = draftOf(site, manner, method, formatOf(input), bytes, options);
  let flow: Flow | undefined;
  let abort = nothing;
  const begin = (): void => {
    try {
      site.check();
      time(site, manner, draft, options); // it runs from now on
      abort = start(site, new Call(site, manner, draft, taker), options.signal);
    } catch (error) {
      values.fail(error);
    }
  };
  const stop = (): void => {
    abort();
    flow?.discard();
  };
  return values.read(begin, stop);
}

/** Settles the caller's promise by the call's settlement. */
export function settle(settled: Call): void {
  const { settlement } = settled;
  if (settlement === undefined) return;
  if (!settlement.ok) {
    const { code, message, outcome } = settlement;
    settled.reject(new ConnectorError(code, message, { outcome }));
    return;
  }
  const value = readPayload(settlement.format, settlement.payload);
  if (value !== UNREADABLE) settled.resolve(value);
  else settled.reject(new ConnectorError('malformed', 'unreadable reply', { outcome: 'executed' }));
}

/** Hands a call to a session. */
export function submit(session: Session, made: Call): void {
  if (made.mayHaveRunIn(session.incarnation)) {
    const message = 'the session was lost, and the peer lives';
    made.reject(new ConnectorError('peer-lost', message, { outcome: 'unknown' }));
    return;
  }
  const refusal = session.caller.call(made);
  if (refusal === undefined) return;
  made.holder = undefined;
  made.reject(refusal === 'busy' ? busy() : tooBig(made.length, session.valueMax));
}

/** What a call ends with when a bound is reached here. */
export function busy(): ConnectorError {
  return new ConnectorError('busy', 'too many calls are open here', { outcome: 'not-sent' });
}

const names = new MethodNames();
/** How much of its time a call may spend before it is sent. */
const WAIT_SHARE = 1 / 2;

function promised(
  site: CallSite,
  usual: Manner,
  method: string,
  input: unknown,
  options: CallOptions,
): Promise<unknown> {
  try {
    site.check();
    const bytes = payloadOf(site, input);
    const manner = mannerOf(site, usual, options);
    const draft = draftOf(site, manner, method, formatOf(input), bytes, options);
    const promise = new Promise<unknown>(noteTaker);
    const taker = latestTaker;
    latestTaker = nothing; // it would keep the promise, and with it the reply, until the next call
    start(site, new Call(site, manner, draft, taker), options.signal);
    return promise;
  } catch (error) {
    return Promise.reject(error as Error);
  }
}

/**
 * What resolves the promise made last, for the statement after it: an executor for each call would
 * be a function and a context of its own.
 */
let latestTaker: Taker = nothing;

function noteTaker(resolve: Taker): void {
  latestTaker = resolve;
}

/** Says what kind of a call the options make of the usual one. Throws `invalid-argument`. */
function mannerOf(
  { resources }: CallSite,
  usual: Manner,
  { idempotent = false, requests }: CallOptions,
): Manner {
  if (requests === undefined) return idempotent ? { ...usual, idempotent } : usual;
  required(!idempotent, 'a stream cannot be repeated');
  const begun = beginning(requests, usual.begun, resources.limits.valueMax);
  return { ...usual, streams: true, begun };
}

/** Writes down what a call says. Throws `invalid-argument`. */
function draftOf(
  site: CallSite,
  manner: Manner,
  method: string,
  format: number,
  bytes: Uint8Array,
  options: CallOptions,
): Draft {
  required(method.length > 0, 'a method has a name');
  const draft = new Draft(names.encode(method), options.channel, { format, bytes });
  time(site, manner, draft, options);
  return draft;
}

/** Gives a call its time, from now on. Throws `invalid-argument`. */
function time(site: CallSite, manner: Manner, draft: Draft, options: CallOptions): void {
  const { callTimeoutMs, waitMs } = site.resources.limits;
  const { timeoutMs = manner.takesStream ? Infinity : callTimeoutMs } = options;
  if (!(timeoutMs >= 0)) required(false, `timeoutMs is milliseconds, not ${timeoutMs}`);
  const now = site.clock.now();
  draft.expires = now + timeoutMs;
  // What is left is for the peer: a call sent at its last moment would be work for nobody.
  draft.sendBy = now + Math.min(timeoutMs * WAIT_SHARE, waitMs);
}

/** Writes what a caller gave. Throws `invalid-argument` and `too-big`. */
function payloadOf(site: CallSite, input: unknown): Uint8Array {
  const bytes = bytesOf(input);
  const { valueMax } = site.resources.limits;
  if (bytes.length > valueMax) throw tooBig(bytes.length, valueMax);
  return bytes;
}

/** What is done once a call with further values has a flow. */
function beginning(
  requests: ValueSource,
  begun: Manner['begun'],
  valueMax: number,
): (call: Call) => void {
  return (call) => {
    begun?.(call);
    void supply(requests, call, valueMax);
  };
}

/** Sends the further values of a call. If their source fails, so does the call. */
async function supply(requests: ValueSource, made: Call, valueMax: number): Promise<void> {
  const { flow } = made;
  if (flow === undefined) return;
  try {
    await pour(requests, flow, valueMax);
    if (!flow.closed) flow.end();
  } catch (cause) {
    const { outcome } = made;
    made.reject(new ConnectorError('cancelled', 'its requests failed', { outcome, cause }));
    made.abort();
  }
}

/** Starts a call; gives what aborts it, whatever sessions it goes through, as its signal does. */
function start(site: CallSite, made: Call, signal: AbortSignal | undefined): () => void {
  if (signal === undefined && !made.manner.takesStream) {
    site.submit(made);
    return nothing; // nobody has anything to abort it by
  }
  return startTied(site, made, signal);
}

/** Apart: its functions keep what they use in an object that is made when a function is entered. */
function startTied(site: CallSite, made: Call, signal: AbortSignal | undefined): () => void {
  if (signal?.aborted === true) {
    const options = { outcome: 'not-sent', cause: signal.reason } as const;
    throw new ConnectorError('cancelled', 'aborted before it was made', options);
  }
  const done = (): void => signal?.removeEventListener('abort', abort);
  const tie: Tie = { call: made, aborted: false, done };
  const abort = (): void => {
    tie.aborted = true;
    tie.call.abort();
  };
  made.tie(tie);
  signal?.addEventListener('abort', abort, { once: true });
  site.submit(made);
  return abort;
}

function tooBig(length: number, most: number): ConnectorError {
  return new ConnectorError('too-big', `${length} bytes, of ${most} at most`, {
    outcome: 'not-sent',
  });
}

function nothing(): void {}
