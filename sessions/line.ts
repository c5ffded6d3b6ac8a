import type { Call, Failure, Holder } from './call.ts';
import { busy, settle, submit, type CallSite } from './calling.ts';
import type { Dialer } from './dialer.ts';
import type { Resources } from './resources.ts';
import { RetryBudget } from './retry-budget.ts';
import type { AllowRule, Service } from './service.ts';
import type { Session } from './session.ts';
import { sleep, type Clock } from '../core/clock.ts';
import { ConnectorError, isConnectorError } from '../core/errors.ts';
import type { ConnectorId } from '../core/id.ts';
import { backoffMs } from '../reliability/backoff.ts';
import type { Peer } from '../transport/transport.ts';

/** The longest wait before a session is opened again, ms. */
const REOPEN_MAX_MS = 1_000;

/** What the lines of an endpoint share. */
export interface LineParts {
  readonly clock: Clock;
  readonly resources: Resources;
  readonly dialer: Dialer;
  readonly closed: (line: Line) => void;
}

/** Says where a line leads. */
export interface LineOptions {
  readonly id: ConnectorId;
  readonly peer: Peer;
  readonly waitForReady: boolean;
  readonly allow: AllowRule;
  /** What the peer may call back. */
  readonly service: Service | undefined;
}

/**
 * What is behind a connection: keeps a session open and opens another when that is lost; a call
 * moves to the new one only if it is known not to have run, or is declared idempotent
 * (semantics 7). Most lines are idle: what waits for a session has a place only while it does.
 */
export class Line implements CallSite, Holder {
  readonly options: LineOptions;
  readonly #parts: LineParts;
  #session: Session | undefined;
  /** Settles when no call waits for a session any more; undefined while none does. */
  #dialing: Promise<void> | undefined;
  /**
   * Calls that wait for a session: first those that were in the last one, then those made since.
   */
  #moved: Set<Call> | undefined;
  #waiting: Set<Call> | undefined;
  /** Settles when the line is closed; undefined while it is open. */
  #closing: Promise<void> | undefined;
  /** Sessions in a row that ended before any call succeeded in them. */
  #fruitless = 0;
  /** Made for the first repeat: until then it is full. */
  #budget: RetryBudget | undefined;

  constructor(parts: LineParts, options: LineOptions) {
    this.#parts = parts;
    this.options = options;
  }

  get clock(): Clock {
    return this.#parts.clock;
  }

  get resources(): Resources {
    return this.#parts.resources;
  }

  get session(): Session | undefined {
    return this.#session;
  }

  /** Opens the first session. Throws `ConnectorError` with outcome `not-sent`. */
  async open(timeoutMs: number, signal: AbortSignal | undefined): Promise<void> {
    this.#adopt(await this.#dial(this.clock.now() + timeoutMs, signal));
  }

  check(): void {
    if (this.#closing === undefined) return;
    throw new ConnectorError('closed', 'the connection is closed', { outcome: 'not-sent' });
  }

  submit(call: Call): void {
    const session = this.#session;
    if (session?.state === 'open') {
      submit(session, call);
      return;
    }
    this.#waiting ??= new Set();
    if (this.#waiting.size >= this.resources.limits.callsPerSessionMax) {
      call.reject(busy());
      return;
    }
    call.own(this.resources.copies);
    this.#wait(call, this.#waiting);
  }

  settled(call: Call): void {
    const { settlement } = call;
    if (settlement?.ok === true) this.#fruitless = 0;
    if (settlement?.ok === true || settlement?.outcome === 'executed') this.#budget?.replenish();
    if (settlement?.ok === false && this.#repeats(call, settlement)) {
      const { counters, limits } = this.resources;
      this.#budget ??= new RetryBudget(limits);
      if (this.#budget.take(settlement.outcome, call.sendings)) {
        counters.callsRepeated += 1;
        this.#moved ??= new Set();
        this.#wait(call.again(), this.#moved);
        return;
      }
      counters.repeatsWithheld += 1;
      const message = `${settlement.message}; the budget of repeats is used up`;
      call.settlement = { ...settlement, message };
    }
    settle(call);
  }

  /** Takes no more calls, waits until those open are settled, and closes the session. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** The endpoint is gone: calls that wait for a session end now. */
  destroy(): void {
    this.#closing ??= Promise.resolve();
    for (const call of this.#take()) {
      call.reject(new ConnectorError('closed', 'the endpoint is closed', { outcome: 'not-sent' }));
    }
  }

  async #close(): Promise<void> {
    await this.#dialing;
    await this.#session?.drain();
    this.#parts.closed(this);
  }

  #wait(call: Call, among: Set<Call>): void {
    const { resources } = this;
    among.add(call);
    call.deadline = call.expires;
    call.holder = this;
    resources.deadlines.add(call);
    resources.armed();
    this.#dialing ??= this.#redial();
  }

  handleExpired(call: Call): void {
    this.#giveUp(call, 'no session within the time allowed');
  }

  handleAborted(call: Call): void {
    this.#giveUp(call, undefined);
  }

  /** A call that waits for a session ends; without a message, because its caller aborted it. */
  #giveUp(call: Call, message: string | undefined): void {
    this.#moved?.delete(call);
    this.#waiting?.delete(call);
    this.resources.deadlines.remove(call);
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
    const { clock, resources } = this;
    const baseMs = Math.max(resources.traits.roundTripHintMs, clock.grainMs);
    const backoff = { baseMs, factor: 2, maxMs: REOPEN_MAX_MS };
    await sleep(clock, backoffMs(backoff, this.#fruitless - 2, resources.random));
  }

  #expire(): void {
    const now = this.clock.now();
    for (const call of this.#all()) {
      if (call.deadline <= now) this.#giveUp(call, 'no session within the time allowed');
    }
  }

  #dial(deadline: number, signal: AbortSignal | undefined): Promise<Session> {
    // What the calls that moved here came to is as urgent as it was in the session that was lost.
    const repeatMs = this.#session?.askMs ?? Infinity;
    return this.#parts.dialer.dial({ ...this.options, deadline, signal, repeatMs });
  }

  #adopt(session: Session): void {
    this.#session = session;
    this.#fruitless += 1;
    for (const call of this.#take()) submit(session, call);
  }

  #all(): Call[] {
    return [...(this.#moved ?? []), ...(this.#waiting ?? [])];
  }

  #take(): Call[] {
    const calls = this.#all();
    this.#moved = undefined;
    this.#waiting = undefined;
    for (const call of calls) this.resources.deadlines.remove(call);
    return calls;
  }

  /** True if a call is one to go on in another session. */
  #repeats({ manner, aborted, expires }: Call, { code, outcome }: Failure): boolean {
    if (code !== 'peer-lost' || this.#closing !== undefined) return false;
    const notRun = outcome === 'not-sent' || outcome === 'not-executed';
    const inTime = this.clock.now() < expires;
    const wanted = inTime && !aborted && !manner.streams; // what was sent is used up
    return wanted && (notRun || manner.idempotent);
  }
}
