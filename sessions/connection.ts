import type { Call, Failure } from './call.ts';
import { busy, call, send, settle, stream, submit } from './calling.ts';
import type { CallOptions, CallSite } from './calling.ts';
import type { Dialer } from './dialer.ts';
import type { Resources } from './resources.ts';
import { RetryBudget } from './retry-budget.ts';
import type { AllowRule, Service } from './service.ts';
import type { Session } from './session.ts';
import { sleep, type Clock } from '../core/clock.ts';
import { ConnectorError, isConnectorError } from '../core/errors.ts';
import type { ConnectorId } from '../core/id.ts';
import { backoffMs } from '../reliability/backoff.ts';
import type { Credentials, Peer } from '../transport/transport.ts';

/** The longest wait before a session is opened again, ms. */
const REOPEN_MAX_MS = 1_000;

/** Ties a connection to its endpoint. */
export interface ConnectionParts {
  readonly clock: Clock;
  readonly resources: Resources;
  readonly id: ConnectorId;
  readonly peer: Peer;
  readonly waitForReady: boolean;
  readonly allow: AllowRule;
  readonly service: Service | undefined;
  readonly dialer: Dialer;
  readonly closed: (connection: Connection) => void;
}

/**
 * A client's way to one service. It keeps a session open and opens another when that is lost; a
 * call moves to the new one only if it is known not to have run, or is declared idempotent
 * (semantics 7).
 */
export class Connection implements AsyncDisposable {
  readonly #parts: ConnectionParts;
  readonly #site: CallSite;
  #session: Session | undefined;
  /** Settles when no call waits for a session any more; undefined while none does. */
  #dialing: Promise<void> | undefined;
  /**
   * Calls that wait for a session: first those that were in the last one, then those made since.
   */
  readonly #moved = new Set<Call>();
  readonly #waiting = new Set<Call>();
  /** Settles when the connection is closed; undefined while it is open. */
  #closing: Promise<void> | undefined;
  /** Sessions in a row that ended before any call succeeded in them. */
  #fruitless = 0;
  readonly #budget: RetryBudget;

  constructor(parts: ConnectionParts) {
    this.#parts = parts;
    this.#budget = new RetryBudget(parts.resources.limits);
    this.#site = {
      clock: parts.clock,
      resources: parts.resources,
      check: () => this.#check(),
      submit: (made) => this.#submit(made),
      settled: (made) => this.#settled(made),
    };
  }

  get id(): ConnectorId {
    return this.#parts.id;
  }

  get peer(): Peer {
    return this.#parts.peer;
  }

  /**
   * The server as the kernel names it; undefined while there is no session, or no kernel to ask.
   */
  get credentials(): Credentials | undefined {
    return this.#session?.parts.credentials;
  }

  /** Opens the first session. Throws `ConnectorError` with outcome `not-sent`. */
  async open(timeoutMs: number, signal: AbortSignal | undefined): Promise<void> {
    this.#adopt(await this.#dial(this.#parts.clock.now() + timeoutMs, signal));
  }

  /**
   * Calls a method; resolves with the reply. `Uint8Array` travels as bytes, all else as JSON.
   * Rejects with `ConnectorError`, whose `outcome` says what is known of the call.
   */
  call(method: string, input?: unknown, options: CallOptions = {}): Promise<unknown> {
    return call(this.#site, method, input, options);
  }

  /**
   * Sends a message that nobody replies to; resolves when the peer has accepted it: from then on it
   * runs, once, if the peer lives. Rejects as `call` does.
   */
  send(method: string, input?: unknown, options: CallOptions = {}): Promise<void> {
    return send(this.#site, method, input, options);
  }

  /**
   * Calls a method that answers with any number of values. The call begins when the first is asked
   * for and is cancelled when its taker stops; a slow taker slows the handler down. Throws, after
   * what has come, as `call` rejects.
   */
  stream(
    method: string,
    input?: unknown,
    options: CallOptions = {},
  ): AsyncGenerator<unknown, void, void> {
    return stream(this.#site, method, input, options);
  }

  /** Takes no more calls, waits until those open are settled, and closes the session. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** The endpoint is gone: calls that wait for a session end now. For the endpoint alone. */
  destroy(): void {
    this.#closing ??= Promise.resolve();
    for (const call of this.#take()) {
      call.reject(new ConnectorError('closed', 'the endpoint is closed', { outcome: 'not-sent' }));
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    await this.#dialing;
    await this.#session?.drain();
    this.#parts.closed(this);
  }

  #check(): void {
    if (this.#closing === undefined) return;
    throw new ConnectorError('closed', 'the connection is closed', { outcome: 'not-sent' });
  }

  #submit(call: Call): void {
    const session = this.#session;
    if (session?.state === 'open') {
      submit(session, call);
      return;
    }
    if (this.#waiting.size >= this.#parts.resources.limits.callsPerSessionMax) {
      call.reject(busy());
      return;
    }
    call.own();
    this.#wait(call, this.#waiting);
  }

  #wait(call: Call, among: Set<Call>): void {
    const { resources } = this.#parts;
    among.add(call);
    call.deadline = call.options.deadline;
    call.onDeadline = () => this.#giveUp(call, 'no session within the time allowed');
    call.abort = () => this.#giveUp(call, undefined);
    resources.deadlines.add(call);
    resources.armed();
    this.#dialing ??= this.#redial();
  }

  /** A call that waits for a session ends; without a message, because its caller aborted it. */
  #giveUp(call: Call, message: string | undefined): void {
    this.#moved.delete(call);
    this.#waiting.delete(call);
    this.#parts.resources.deadlines.remove(call);
    const error =
      message === undefined
        ? new ConnectorError('cancelled', 'aborted by the caller', { outcome: 'not-sent' })
        : new ConnectorError('deadline-exceeded', message, { outcome: 'not-sent' });
    call.reject(error);
  }

  /** Opens sessions until no call waits, or opening fails for good. */
  async #redial(): Promise<void> {
    for (let calls = this.#all(); calls.length > 0; calls = this.#all()) {
      const deadline = calls.reduce((latest, call) => Math.max(latest, call.deadline), 0);
      try {
        await this.#backOff();
        this.#adopt(await this.#dial(deadline, undefined));
        break;
      } catch (error) {
        if (isConnectorError(error, 'deadline-exceeded')) {
          // A later call may have more time than those that this opening was for.
          this.#expire();
          continue;
        }
        for (const call of this.#take()) call.reject(error);
      }
    }
    this.#dialing = undefined;
  }

  /** A peer that opens sessions only to reset them is not asked ever faster. */
  async #backOff(): Promise<void> {
    if (this.#fruitless <= 1) return;
    const { clock, resources } = this.#parts;
    const baseMs = Math.max(resources.traits.roundTripHintMs, clock.grainMs);
    const backoff = { baseMs, factor: 2, maxMs: REOPEN_MAX_MS };
    await sleep(clock, backoffMs(backoff, this.#fruitless - 2, resources.random));
  }

  #expire(): void {
    const now = this.#parts.clock.now();
    for (const call of this.#all()) {
      if (call.deadline <= now) this.#giveUp(call, 'no session within the time allowed');
    }
  }

  #dial(deadline: number, signal: AbortSignal | undefined): Promise<Session> {
    const { id, peer, waitForReady, allow, service, dialer } = this.#parts;
    // What the calls that moved here came to is as urgent as it was in the session that was lost.
    const repeatMs = this.#session?.askMs ?? Infinity;
    return dialer.dial({ id, peer, deadline, signal, repeatMs, waitForReady, allow, service });
  }

  #adopt(session: Session): void {
    this.#session = session;
    this.#fruitless += 1;
    for (const call of this.#take()) submit(session, call);
  }

  #all(): Call[] {
    return [...this.#moved, ...this.#waiting];
  }

  #take(): Call[] {
    const calls = this.#all();
    this.#moved.clear();
    this.#waiting.clear();
    for (const call of calls) this.#parts.resources.deadlines.remove(call);
    return calls;
  }

  #settled(call: Call): void {
    const { settlement } = call;
    if (settlement?.ok === true) this.#fruitless = 0;
    if (settlement?.ok === true || settlement?.outcome === 'executed') this.#budget.replenish();
    if (settlement?.ok === false && this.#repeats(call, settlement)) {
      const { counters } = this.#parts.resources;
      if (this.#budget.take(settlement.outcome, call.sendings)) {
        counters.callsRepeated += 1;
        this.#wait(call.again(), this.#moved);
        return;
      }
      counters.repeatsWithheld += 1;
      const message = `${settlement.message}; the budget of repeats is used up`;
      call.settlement = { ...settlement, message };
    }
    settle(call);
  }

  /** True if a call is one to go on in another session. */
  #repeats({ options, aborted }: Call, { code, outcome }: Failure): boolean {
    if (code !== 'peer-lost' || this.#closing !== undefined) return false;
    const notRun = outcome === 'not-sent' || outcome === 'not-executed';
    const inTime = this.#parts.clock.now() < options.deadline;
    const wanted = inTime && !aborted && !options.streams; // what was sent is used up
    return wanted && (notRun || options.idempotent);
  }
}
