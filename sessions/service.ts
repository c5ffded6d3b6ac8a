import { Backlog } from './backlog.ts';
import { bytesOf, formatOf, UNREADABLE, writePayload } from './payload.ts';
import type { CallBack } from './call-back.ts';
import type { Incoming } from './incoming.ts';
import type { Resources } from './resources.ts';
import type { Session } from './session.ts';
import { pour, Values } from './values.ts';
import { ConnectorError } from '../core/errors.ts';
import type { ConnectorId } from '../core/id.ts';
import type { Credentials, Peer, Source } from '../transport/transport.ts';
import * as frame from '../transport/wire/frame.ts';

/** What a handler is told besides its input. */
export interface CallContext {
  readonly id: ConnectorId;
  readonly method: string;
  readonly peer: Peer;
  /** Who the kernel says the caller is; undefined where the transport can't vouch for it. */
  readonly credentials: Credentials | undefined;
  /** The message's own identity: `cn_msg.seq` and `cn_msg.ack`. */
  readonly seq: number;
  readonly ack: number;
  /** Aborts when the caller gives up, its deadline comes or the session ends. Made on first use. */
  readonly signal: AbortSignal;
  /**
   * The further values that the caller sends, to be read once; none for most calls. Throws
   * `cancelled` if the caller gives up.
   */
  readonly requests: AsyncGenerator<unknown, void, void>;
  /** Calls the caller back on the same session, as `Connection` does. */
  readonly call: CallBack['call'];
  readonly send: CallBack['send'];
  readonly stream: CallBack['stream'];
}

/**
 * Answers one method: gets the caller's value, gives (a promise of) the reply, or, for a caller
 * that takes a stream, an async iterable of values. What it throws reaches the caller as
 * `application` with the message alone. Runs at most once per call.
 */
export type Handler = (input: unknown, context: CallContext) => unknown;

/** Maps each method's name to its handler. */
export type Handlers = Readonly<Record<string, Handler>>;

/** Says whether a peer may open a session. Asked once, at the handshake. */
export type AllowRule = (credentials: Credentials | undefined, peer: Peer) => boolean;

/** Ties a service to its endpoint. */
export interface ServiceParts {
  readonly id: ConnectorId;
  readonly handlers: Handlers;
  readonly allow: AllowRule;
  readonly resources: Resources;
  /** Handlers that run at the same time. */
  readonly concurrency: number;
  /** How long a request waits for its turn at most, ms. */
  readonly waitMs: number;
  readonly callBack: (session: Session) => CallBack;
}

/** The handlers of one connector id, at a server or, for call-backs, at a client. */
export class Service {
  readonly #parts: ServiceParts;
  readonly #handlers: ReadonlyMap<string, Handler>;
  readonly #backlog: Backlog;
  /** True once no new sessions are taken. */
  draining = false;

  constructor(parts: ServiceParts) {
    this.#parts = parts;
    this.#handlers = new Map(Object.entries(parts.handlers));
    const { concurrency, waitMs, resources } = parts;
    const start = (session: Session, request: Incoming): void => this.#start(session, request);
    this.#backlog = new Backlog(resources, { concurrency, waitMs, start });
  }

  /** Asks the rule; one that throws says no. */
  allows(source: Source): boolean {
    try {
      return this.#parts.allow(source.credentials, source.peer);
    } catch {
      return false;
    }
  }

  /** The status to refuse a request with before it runs; undefined: it can run. */
  refusal(incoming: Incoming): number | undefined {
    if (!this.#handlers.has(incoming.method)) return frame.STATUS_UNIMPLEMENTED;
    if (incoming.oneWay && this.#backlog.late) return frame.STATUS_BUSY;
    return incoming.whole && incoming.read() === UNREADABLE ? frame.STATUS_MALFORMED : undefined;
  }

  /** Takes a request: its handler runs when its turn comes. */
  dispatch(session: Session, incoming: Incoming, now: number): void {
    this.#backlog.push(session, incoming, now);
  }

  /** Runs the handler of a request and sends its reply. Never throws, whatever the handler does. */
  #start(session: Session, incoming: Incoming): void {
    const handler = this.#handlers.get(incoming.method);
    if (handler === undefined) {
      session.responder.refuse(incoming, frame.STATUS_UNIMPLEMENTED);
      this.#backlog.finished();
      return;
    }
    const input = incoming.read();
    if (input === UNREADABLE) {
      session.responder.refuse(incoming, frame.STATUS_MALFORMED);
      this.#backlog.finished();
      return;
    }
    incoming.letGo();
    let result: unknown;
    try {
      result = handler(input, this.#context(session, incoming));
      if (isThenable(result)) {
        // Wrapped: a thenable may throw in `then`, or settle twice.
        Promise.resolve(result).then(
          (value) => this.#succeed(session, incoming, value),
          (error: unknown) => this.#fail(session, incoming, error),
        );
        return;
      }
    } catch (error) {
      this.#fail(session, incoming, error);
      return;
    }
    this.#succeed(session, incoming, result);
  }

  #succeed(session: Session, incoming: Incoming, value: unknown): void {
    let bytes: Uint8Array;
    try {
      if (isAsyncIterable(value)) {
        this.#pour(session, incoming, value);
        return;
      }
      bytes = bytesOf(value);
      if (bytes.length > session.valueMax) {
        throw new ConnectorError('too-big', `a reply of ${bytes.length} bytes`);
      }
    } catch (error) {
      this.#fail(session, incoming, error);
      return;
    }
    session.responder.reply(incoming, frame.STATUS_OK, formatOf(value), bytes);
    this.#backlog.finished();
  }

  #fail(session: Session, incoming: Incoming, error: unknown): void {
    const said = writePayload({ message: describe(error) });
    session.responder.reply(incoming, frame.STATUS_APPLICATION, said.format, said.bytes);
    this.#backlog.finished();
  }

  #pour(session: Session, incoming: Incoming, source: AsyncIterable<unknown>): void {
    if (!incoming.takesStream) throw new ConnectorError('invalid-argument', 'it gives a stream');
    pour(source, session.responder.flow(incoming), session.valueMax).then(
      () => this.#succeed(session, incoming, undefined),
      (error: unknown) => this.#fail(session, incoming, error),
    );
  }

  #context(session: Session, incoming: Incoming): CallContext {
    return new Context(session, incoming, this.#parts);
  }
}

/** Getters instead of copies: most handlers look at nothing of it. */
class Context implements CallContext {
  readonly #session: Session;
  readonly #incoming: Incoming;
  readonly #parts: ServiceParts;
  #requests: AsyncGenerator<unknown, void, void> | undefined;

  constructor(session: Session, incoming: Incoming, parts: ServiceParts) {
    this.#session = session;
    this.#incoming = incoming;
    this.#parts = parts;
  }

  get id(): ConnectorId {
    return this.#session.id;
  }

  get method(): string {
    return this.#incoming.method;
  }

  get peer(): Peer {
    return this.#session.peer;
  }

  get credentials(): Credentials | undefined {
    return this.#session.credentials;
  }

  get seq(): number {
    return this.#incoming.seq;
  }

  get ack(): number {
    return this.#incoming.ack;
  }

  get signal(): AbortSignal {
    return this.#incoming.signal;
  }

  get requests(): AsyncGenerator<unknown, void, void> {
    this.#requests ??= requestsOf(this.#incoming);
    return this.#requests;
  }

  call(...asked: Parameters<CallBack['call']>): Promise<unknown> {
    return this.#back.call(...asked);
  }

  send(...asked: Parameters<CallBack['send']>): Promise<void> {
    return this.#back.send(...asked);
  }

  stream(...asked: Parameters<CallBack['stream']>): AsyncGenerator<unknown, void, void> {
    return this.#back.stream(...asked);
  }

  get #back(): CallBack {
    return this.#parts.callBack(this.#session);
  }
}

function requestsOf(incoming: Incoming): AsyncGenerator<unknown, void, void> {
  const values = new Values();
  if (incoming.streams) values.attach(incoming.flow);
  else values.end(undefined);
  return values.read(nothing, () => incoming.flow?.deafen());
}

/** The message of whatever a handler threw, cut to fit any reply. It may be anything at all. */
function describe(error: unknown): string {
  try {
    if (error instanceof Error) return `${error.message}`.slice(0, 1024);
    if (typeof error === 'string') return error.slice(0, 1024);
    return `the handler threw a ${typeof error}`;
  } catch {
    return 'the handler threw what cannot be described';
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    isObject(value) &&
    'then' in value &&
    typeof value.then === 'function'
  );
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return (
    isObject(value) &&
    Symbol.asyncIterator in value &&
    typeof value[Symbol.asyncIterator] === 'function'
  );
}

/** True for what may be more than a value. To look for a property that bytes lack costs 0.1 us. */
function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !(value instanceof Uint8Array);
}

function nothing(): void {}
