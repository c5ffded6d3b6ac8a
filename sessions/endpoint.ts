import { BareClient, type BareCallOptions } from './bare-client.ts';
import type { BareMessage } from './bare-request.ts';
import type { BareListener } from './bare.ts';
import { CallBack } from './call-back.ts';
import { Connection } from './connection.ts';
import type { Counters } from './counters.ts';
import { Driver } from './driver.ts';
import { Publisher } from './events/publisher.ts';
import { Subscription, type SubscribeOptions } from './events/subscription.ts';
import { Groups } from './events/groups.ts';
import { Line, type LineParts } from './line.ts';
import { Service, type AllowRule, type Handlers } from './service.ts';
import type { Session } from './session.ts';
import type { Clock } from '../core/clock.ts';
import { ConnectorError, required } from '../core/errors.ts';
import { checkId, formatId, groupOf, type ConnectorId } from '../core/id.ts';
import { resolveLimits, type Limits } from '../core/limits.ts';
import type { Random } from '../core/random.ts';
import { SystemClock } from '../core/system-clock.ts';
import { SystemRandom } from '../core/system-random.ts';
import type { Peer, Transport } from '../transport/transport.ts';
import { EVENT_OVERHEAD } from '../transport/wire/event.ts';

/** Tells `createEndpoint` where to live. */
export interface EndpointOptions {
  readonly transport: Transport;
  /** Default: the machine's clock. */
  readonly clock?: Clock;
  /** Where acks, tags and the incarnation come from. Default: the system's cryptographic source. */
  readonly random?: Random;
  /** Overrides of `defaultLimits`. */
  readonly limits?: Partial<Limits>;
}

/** Adjusts a service. */
export interface ServeOptions {
  /** Who may open a session; default: everybody. */
  readonly allow?: AllowRule;
  /** How many handlers run at the same time; the others wait. Default: no limit. */
  readonly concurrency?: number;
  /**
   * How long a request waits for its turn before it is refused as `busy`, ms, if half of the time
   * that its caller gave is not less; default `limits.waitMs`. That bounds the wait under overload.
   */
  readonly waitMs?: number;
}

/** A service that is being served. */
export interface Serving extends AsyncDisposable {
  readonly id: ConnectorId;
  /** Refuses new calls, finishes those that run, tells the clients, and stops. */
  close(): Promise<void>;
}

/** Adjusts a connection. */
export interface ConnectOptions {
  /** Where the service is; default: where the transport finds the id by convention. */
  readonly peer?: Peer;
  /** How long opening may take, ms; default `limits.callTimeoutMs`. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /**
   * Wait until somebody serves the address, instead of failing at once with `no-peer` (gRPC's
   * term). Holds for reopening as well.
   */
  readonly waitForReady?: boolean;
  /** Whether to trust whoever answers: an address proves nothing, the kernel's credentials do. */
  readonly allow?: AllowRule;
  /** What the peer may call back on this session. */
  readonly handlers?: Handlers;
}

/** A snapshot of an endpoint. */
export interface EndpointStats extends Counters {
  readonly sessions: number;
  /** Those of them that do not sleep (`limits.sleepMs`): they take ten times the memory. */
  readonly sessionsAwake: number;
  /** Requests that wait or run here, or whose reply is not acknowledged. */
  readonly requestsHeld: number;
  readonly repliesKept: number;
  /** What long values and streams cost that came and were not taken: bytes, and 64 for a piece. */
  readonly flowCostHeld: number;
  /** Places in channels, behind gaps, that no request holds. */
  readonly placesHeld: number;
  /** Refusals not acknowledged. */
  readonly refusalsHeld: number;
  /** Requests to bare peers that are open. */
  readonly bareRequests: number;
  /** Publishers, those that are closed but still say so included. */
  readonly publishers: number;
  readonly subscriptions: number;
}

/** Makes an endpoint on a transport, which it starts and in the end closes. */
export function createEndpoint(options: EndpointOptions): Endpoint {
  return new Endpoint(options);
}

/**
 * One address on one transport: serves connector ids, connects to others, talks with bare peers.
 */
export class Endpoint implements AsyncDisposable {
  readonly #transport: Transport;
  readonly #clock: Clock;
  readonly #driver: Driver;
  readonly #bare: BareClient;
  readonly #services = new Map<string, Service>();
  readonly #lineParts: LineParts;
  readonly #lines = new Set<Line>();
  readonly #publishers = new Map<string, Publisher>();
  readonly #subscriptions = new Set<Subscription>();
  readonly #groups: Groups;

  constructor(options: EndpointOptions) {
    const { transport, clock = new SystemClock(), random = new SystemRandom() } = options;
    const limits = resolveLimits(options.limits);
    this.#transport = transport;
    this.#clock = clock;
    this.#driver = new Driver({ transport, clock, random, limits, services: this.#services });
    this.#groups = new Groups(transport);
    const { resources, dialer } = this.#driver;
    const closed = (line: Line): void => void this.#lines.delete(line);
    this.#lineParts = { clock, resources, dialer, closed };
    this.#bare = new BareClient(this.#driver.exchange, this.#driver.resources, clock);
  }

  /** Our own address on the transport. */
  get address(): Peer {
    return this.#transport.address;
  }

  /** The longest value of a call, a reply or a stream, bytes. A peer may take less. */
  get valueMax(): number {
    return this.#driver.resources.limits.valueMax;
  }

  /**
   * Serves a connector id: `handlers` by method name. One service per id; throws `invalid-argument`
   * if there is one. Close what it gives to stop in good order.
   */
  serve(id: ConnectorId, handlers: Handlers, options: ServeOptions = {}): Serving {
    this.#checkOpen();
    const key = formatId(checkId(id));
    required(!this.#services.has(key), `${key} is served already`);
    const service = this.#service(id, handlers, options);
    this.#services.set(key, service);
    const close = async (): Promise<void> => {
      service.draining = true;
      await this.#drained((session) => session.service === service);
      if (this.#services.get(key) === service) this.#services.delete(key);
    };
    return { id, close, [Symbol.asyncDispose]: close };
  }

  /** Connects to a service. Rejects with `ConnectorError`, outcome `not-sent`. */
  async connect(id: ConnectorId, options: ConnectOptions = {}): Promise<Connection> {
    this.#checkOpen();
    const { resources } = this.#driver;
    const { handlers, timeoutMs = resources.limits.callTimeoutMs, allow = allowAll } = options;
    required(timeoutMs >= 0, `timeoutMs is a number of milliseconds, not ${timeoutMs}`);
    const line = new Line(this.#lineParts, {
      id: checkId(id),
      peer: options.peer ?? this.#transport.locate(id),
      waitForReady: options.waitForReady ?? false,
      allow,
      service: handlers === undefined ? undefined : this.#service(id, handlers, { allow }),
    });
    await line.open(timeoutMs, options.signal);
    this.#lines.add(line);
    return new Connection(line);
  }

  /**
   * Calls `listener` for each new message of a bare peer with this id: one that is no reply to a
   * request of ours. As cn_add_callback, one per id. Gives a function that ends it.
   */
  on(id: ConnectorId, listener: BareListener): () => void {
    this.#checkOpen();
    this.#driver.exchange.listen(checkId(id), listener);
    return () => this.#driver.exchange.unlisten(id);
  }

  /** Answers a bare peer's message by the documented rule: the same seq, ack + 1. */
  reply(message: BareMessage, payload: Uint8Array): void {
    this.#checkOpen();
    this.#driver.exchange.reply(message, payload);
    this.#driver.schedule();
  }

  /**
   * Sends a request to a bare peer; resolves with the last part of the reply. It is repeated only
   * if `idempotent`; unanswered, it rejects with outcome `unknown`.
   */
  request(
    id: ConnectorId,
    peer: Peer,
    payload: Uint8Array,
    options?: BareCallOptions,
  ): Promise<BareMessage> {
    this.#checkOpen();
    return this.#bare.request(id, peer, payload, options);
  }

  /** As `request`, but yields each part of the reply. */
  requestParts(
    id: ConnectorId,
    peer: Peer,
    payload: Uint8Array,
    options?: BareCallOptions,
  ): AsyncGenerator<BareMessage, void, void> {
    this.#checkOpen();
    return this.#bare.requestParts(id, peer, payload, options);
  }

  /**
   * Makes a publisher of events of an id, which go to the group `id.idx`, 1 to 32. One per id;
   * throws `invalid-argument` if there is one, or no such group.
   */
  publisher(id: ConnectorId): Publisher {
    this.#checkOpen();
    const key = formatId(checkId(id));
    groupOf(id);
    required(!this.#publishers.has(key), `there is a publisher of ${key} already`);
    const { limits, traits } = this.#driver.resources;
    const publisher = new Publisher({
      id,
      outlet: this.#driver.events.publish(id, this.#clock.now()),
      payloadMax: Math.min(limits.payloadMax, traits.datagramMax - EVENT_OVERHEAD),
      closed: () => this.#publishers.delete(key),
    });
    this.#publishers.set(key, publisher);
    return publisher;
  }

  /**
   * Subscribes to the events of an id that others publish; those of this endpoint do not come back.
   * What is published from now on is given or reported as a gap; of what was published before,
   * nothing. Throws `invalid-argument`, or `refused` if the system lets nobody join the group.
   */
  subscribe(id: ConnectorId, options: SubscribeOptions = {}): Subscription {
    this.#checkOpen();
    const group = groupOf(checkId(id));
    const { limits } = this.#driver.resources;
    const { allow = allowAll, buffer: unreadMax = limits.eventsUnreadMax, signal } = options;
    required(unreadMax >= 1, `buffer is a number of events from 1 on, not ${unreadMax}`);
    if (signal?.aborted) {
      throw new ConnectorError('cancelled', 'aborted before it began', { cause: signal.reason });
    }
    const { events } = this.#driver;
    this.#groups.join(group);
    const joinedAt = this.#clock.now();
    const subscription = new Subscription(
      (hooks) => events.subscribe({ id, allow, unreadMax, joinedAt, ...hooks }),
      (subscriber) => {
        events.unsubscribe(subscriber);
        signal?.removeEventListener('abort', abort);
        this.#subscriptions.delete(subscription);
        if (!this.#driver.closed) this.#groups.leave(group);
      },
    );
    const abort = (): void =>
      subscription.fail('cancelled', 'aborted by the caller', signal?.reason);
    signal?.addEventListener('abort', abort, { once: true });
    this.#subscriptions.add(subscription);
    return subscription;
  }

  /** A snapshot of the counters and of the sizes of the tables. */
  stats(): EndpointStats {
    const { resources, demux, exchange, events } = this.#driver;
    const { counters, requestsHeld, replies } = resources;
    return {
      ...counters,
      dropped: { ...counters.dropped },
      sessions: demux.size,
      sessionsAwake: resources.vigil.size,
      requestsHeld,
      repliesKept: replies.count,
      flowCostHeld: resources.flows.cost,
      placesHeld: resources.placesHeld,
      refusalsHeld: resources.refusalsHeld,
      bareRequests: exchange.open,
      publishers: events.publishers,
      subscriptions: this.#subscriptions.size,
    };
  }

  /**
   * Closes in good order: no new calls, those open are settled and answered, peers are told; then
   * the transport is closed. Takes as long as the longest open call, here or at a peer, but at most
   * `timeoutMs` (default: no limit); what is open then ends as in `destroy`.
   */
  async close(options: { readonly timeoutMs?: number } = {}): Promise<void> {
    if (this.#driver.closed) return;
    const { timeoutMs = Infinity } = options;
    const timer = this.#clock.timer(() => this.destroy());
    if (timeoutMs !== Infinity) timer.arm(this.#clock.now() + timeoutMs);
    this.#driver.exchange.fail('the endpoint is closed');
    for (const service of this.#services.values()) service.draining = true;
    const lines = [...this.#lines].map((line) => line.close());
    const publishers = [...this.#publishers.values()].map((publisher) => publisher.close());
    await Promise.all([...lines, ...publishers, this.#drained(() => true)]);
    timer.disarm();
    this.destroy();
  }

  /** Closes at once: open calls are rejected with what is known of them, peers find out. */
  destroy(): void {
    this.#driver.exchange.fail('the endpoint is closed');
    this.#driver.destroy();
    for (const subscription of this.#subscriptions) subscription.close();
    for (const line of this.#lines) line.destroy();
    this.#lines.clear();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #service(id: ConnectorId, handlers: Handlers, options: ServeOptions): Service {
    const clock = this.#clock;
    const { resources } = this.#driver;
    const { allow = allowAll, concurrency = Infinity, waitMs = resources.limits.waitMs } = options;
    required(concurrency >= 1, `concurrency is a number from 1 on, not ${concurrency}`);
    required(waitMs > 0, `waitMs is above 0 ms, not ${waitMs}`);
    const callBack = (session: Session): CallBack => new CallBack(clock, resources, session);
    return new Service({ id, handlers, allow, resources, concurrency, waitMs, callBack });
  }

  /** Drains the sessions that `choose` picks; resolves when all of them have ended. */
  async #drained(choose: (session: Session) => boolean): Promise<void> {
    const chosen = this.#driver.sessions().filter(choose);
    await Promise.all(chosen.map((session) => session.drain()));
  }

  #checkOpen(): void {
    if (!this.#driver.closed) return;
    throw new ConnectorError('closed', 'the endpoint is closed', { outcome: 'not-sent' });
  }
}

function allowAll(): boolean {
  return true;
}
