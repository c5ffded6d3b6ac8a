import { Call, type CallOptions as CallParts } from './call.ts';
import type { Flow } from './flow.ts';
import { MethodNames } from './method-names.ts';
import { readPayload, writePayload, type Payload } from './payload.ts';
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
export interface CallSite {
  readonly clock: Clock;
  readonly resources: Resources;
  /** Throws if no calls are taken. */
  check(): void;
  submit(call: Call): void;
  settled(call: Call): void;
}

/** What kind of a call is made. A stream has all the time it needs unless its taker says else. */
interface Manner {
  readonly kind: number;
  readonly takesStream: boolean;
}

const CALL: Manner = { kind: REQUEST, takesStream: false };
const MESSAGE: Manner = { kind: SEND, takesStream: false };
const STREAM: Manner = { kind: REQUEST, takesStream: true };

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
  const making = {
    resolve: (value: unknown) => values.end(value),
    reject: (error: unknown) => values.fail(error),
    begun: (begun: Call) => {
      ({ flow } = begun);
      values.attach(flow);
    },
  };
  const payload = payloadOf(site, input);
  const parts = callParts(site, STREAM, method, payload.format, options, making);
  const timeoutMs = timeoutOf(site, STREAM, options);
  let flow: Flow | undefined;
  let abort = nothing;
  const begin = (): void => {
    try {
      site.check();
      const now = site.clock.now(); // time runs from now on
      const times = { deadline: now + timeoutMs, sendBy: now + waitMs(site, timeoutMs) };
      abort = start({ ...parts, ...times }, payload.bytes, options.signal, site);
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
  if (value.ok) settled.resolve(value.value);
  else settled.reject(new ConnectorError('malformed', 'unreadable reply', { outcome: 'executed' }));
}

/** Hands a call to a session. */
export function submit(session: Session, made: Call): void {
  if (made.mayHaveRunIn(session.incarnation)) {
    const message = 'the session was lost, and the peer lives';
    made.reject(new ConnectorError('peer-lost', message, { outcome: 'unknown' }));
    return;
  }
  made.incarnation = session.incarnation;
  const refusal = session.caller.call(made);
  if (refusal === undefined) {
    if (made.abortable) made.abort = aborting(session, made);
    return;
  }
  made.abort = nothing;
  made.reject(refusal === 'busy' ? busy() : tooBig(made.length, session.valueMax));
}

/** Apart from `submit`, so that calls nobody can abort do without its closure. */
function aborting(session: Session, made: Call): () => void {
  return () => session.caller.abandon(made, 'cancelled', 'aborted by the caller');
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
  manner: Manner,
  method: string,
  input: unknown,
  options: CallOptions,
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    site.check();
    const making = { resolve, reject };
    const { format, bytes } = payloadOf(site, input);
    const parts = callParts(site, manner, method, format, options, making);
    start(parts, bytes, options.signal, site);
  });
}

/** Checks what a caller gave and makes the parts of a call of it. Throws `invalid-argument`. */
function callParts(
  site: CallSite,
  manner: Manner,
  method: string,
  format: number,
  options: CallOptions,
  making: Pick<CallParts, 'resolve' | 'reject' | 'begun'>,
): CallParts {
  const { channel, idempotent = false, requests } = options;
  required(method.length > 0, 'a method has a name');
  const name = names.encode(method);
  const streams = requests !== undefined;
  required(!streams || !idempotent, 'a stream cannot be repeated');
  const { resolve, reject, begun } = making;
  const timeoutMs = timeoutOf(site, manner, options);
  const now = site.clock.now();
  return {
    kind: manner.kind,
    method: name,
    format,
    deadline: now + timeoutMs,
    sendBy: now + waitMs(site, timeoutMs),
    channel,
    idempotent,
    streams,
    takesStream: manner.takesStream,
    resolve,
    reject,
    site,
    begun:
      requests === undefined ? begun : beginning(requests, begun, site.resources.limits.valueMax),
  };
}

/** Writes what a caller gave. Throws `invalid-argument` and `too-big`. */
function payloadOf(site: CallSite, input: unknown): Payload {
  const payload = writePayload(input);
  const { valueMax } = site.resources.limits;
  if (payload.bytes.length > valueMax) throw tooBig(payload.bytes.length, valueMax);
  return payload;
}

/** What is done once a call with further values has a flow. */
function beginning(
  requests: ValueSource,
  begun: CallParts['begun'],
  valueMax: number,
): (call: Call) => void {
  return (call) => {
    begun?.(call);
    void supply(requests, call, valueMax);
  };
}

function timeoutOf(site: CallSite, manner: Manner, options: CallOptions): number {
  const usual = manner.takesStream ? Infinity : site.resources.limits.callTimeoutMs;
  const { timeoutMs = usual } = options;
  if (!(timeoutMs >= 0)) required(false, `timeoutMs is milliseconds, not ${timeoutMs}`);
  return timeoutMs;
}

/** What is left is for the peer: a call sent at its last moment would be work for nobody. */
function waitMs(site: CallSite, timeoutMs: number): number {
  return Math.min(timeoutMs * WAIT_SHARE, site.resources.limits.waitMs);
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
function start(
  parts: CallParts,
  payload: Uint8Array,
  signal: AbortSignal | undefined,
  site: CallSite,
): () => void {
  const made = new Call(parts, payload);
  if (signal === undefined && !parts.takesStream) {
    site.submit(made);
    return nothing; // nobody has anything to abort it by
  }
  if (signal?.aborted === true) {
    const options = { outcome: 'not-sent', cause: signal.reason } as const;
    throw new ConnectorError('cancelled', 'aborted before it was made', options);
  }
  const current: { call: Call } = { call: made };
  const abort = (): void => {
    current.call.aborted = true;
    current.call.abort();
  };
  made.tie({
    renewed: (renewed) => {
      current.call = renewed;
    },
    done: () => signal?.removeEventListener('abort', abort),
  });
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
