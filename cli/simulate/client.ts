import type { CallPlan, Route } from './call.ts';
import { takeStream } from './take-stream.ts';
import { callBackHandlers } from './handlers.ts';
import { drawCall } from './mix.ts';
import { OUTSIDER, type PartyPlan } from './plan.ts';
import { BARE, SERVICE, type Stage } from './stage.ts';
import { pick } from './odds.ts';
import { stamped } from './stamp.ts';
import type { SeededRandom } from '../../core/random.ts';
import type { Connection } from '../../sessions/connection.ts';
import type { Endpoint } from '../../sessions/endpoint.ts';
import type { Peer } from '../../transport/transport.ts';

/** Whom a client may call. */
export interface Targets {
  /** Session peers. */
  readonly servers: readonly Peer[];
  /** Whoever answers bare messages. */
  readonly bare: readonly Peer[];
}

/** A connection, and the name of the way to it in the ledger. */
export interface Way {
  readonly connection: Connection;
  readonly route: Route;
}

/** The calling side of one incarnation of an endpoint. */
export class Client {
  readonly #stage: Stage;
  readonly #endpoint: Endpoint;
  readonly #plan: PartyPlan;
  readonly #label: string;
  readonly #targets: Targets;
  /** By server; hands that want the same way wait for the same opening. */
  readonly #ways = new Map<Peer, Promise<Way>>();
  /** By server: connections made so far. */
  readonly #connections = new Map<Peer, number>();
  #stopped = false;

  constructor(
    stage: Stage,
    endpoint: Endpoint,
    plan: PartyPlan,
    label: string,
    targets: Targets,
  ) {
    this.#stage = stage;
    this.#endpoint = endpoint;
    this.#plan = plan;
    this.#label = label;
    this.#targets = targets;
  }

  get label(): string {
    return this.#label;
  }

  /** How many connections it has ever made. */
  get connections(): number {
    return [...this.#connections.values()].reduce((sum, count) => sum + count, 0);
  }

  /** Makes calls until the faults stop. Never rejects. */
  async run(): Promise<void> {
    const random = this.#stage.random.fork(`client ${this.#label}`);
    const hands = Array.from({ length: this.#plan.hands }, (_value, at) =>
      this.#hand(random.fork(`hand ${at}`)));
    await Promise.all(hands);
  }

  /** Makes no more calls: its process is gone. */
  stop(): void {
    this.#stopped = true;
  }

  /** Gives the way to a server, opened if there is none. Throws what `connect` throws. */
  way(server: Peer, timeoutMs: number, waitForReady: boolean): Promise<Way> {
    const known = this.#ways.get(server);
    if (known !== undefined) return known;
    const way = this.#open(server, timeoutMs, waitForReady);
    this.#ways.set(server, way);
    way.catch(() => this.#ways.delete(server));
    return way;
  }

  async #open(server: Peer, timeoutMs: number, waitForReady: boolean): Promise<Way> {
    const handlers = callBackHandlers(this.#stage, this.#label);
    const options = { peer: server, timeoutMs, waitForReady, handlers };
    const connection = await this.#endpoint.connect(SERVICE, options);
    const number = (this.#connections.get(server) ?? 0) + 1;
    this.#connections.set(server, number);
    const sessions = (): number => this.#stage.wire.sessions(this.#label, server);
    const made = (): number => this.#connections.get(server) ?? 0;
    const name = `${this.#label}>${server}${number === 1 ? '' : ` (${number})`}`;
    const route = { name, from: this.#label, server, steady: () => sessions() <= made() };
    if (this.#plan.uid === OUTSIDER) this.#stage.ledger.violated(`${name} let an outsider in`);
    this.#stage.trace.note(this.#label, `connected to ${server} over ${name}`);
    return { connection, route };
  }

  /** Makes a call and enters it in the ledger. Resolves when it is settled; never rejects. */
  async call({ connection, route }: Way, plan: CallPlan, abortMs?: number): Promise<void> {
    const { ledger, clock, deeds } = this.#stage;
    const call = ledger.issue(plan, route);
    const { timeoutMs, channel, idempotent } = call.plan;
    const abort = abortMs === undefined ? undefined : new AbortController();
    if (abort !== undefined) {
      deeds.cancellations += 1;
      if (abortMs! < 0) abort.abort();
      else clock.at(clock.now() + abortMs!, () => abort.abort());
    }
    const input = call.input();
    const options = {
      timeoutMs,
      ...(channel === undefined ? {} : { channel }),
      ...(abort === undefined ? {} : { signal: abort.signal }),
    };
    const { manner } = call.plan;
    const promise =
      manner === 'stream' ? takeStream(this.#stage, connection, call, options)
      : manner === 'oneWay' ? connection.send(call.method, input, { ...options, idempotent })
      : connection.call(call.method, input, { ...options, idempotent });
    if (input instanceof Uint8Array) input.fill(0xee); // the bytes are the caller's again
    await promise.then(
      (value) => ledger.succeed(call, value),
      (error: unknown) => ledger.fail(call, error),
    );
  }

  /** Makes a request to a bare peer. Gives whether it was answered; never rejects. */
  async request(
    peer: Peer,
    idempotent: boolean,
    timeoutMs: number,
    length: number,
  ): Promise<boolean> {
    const { bare, trace } = this.#stage;
    const record = bare.issue(this.#label, idempotent, timeoutMs, length);
    const payload = stamped(record.id, 'request', record.length);
    trace.note(this.#label, `asks ${peer}, a bare peer: ${record.id}, ${record.length} B`);
    try {
      const message = await this.#endpoint.request(BARE, peer, payload, { timeoutMs, idempotent });
      bare.succeed(record, message.payload);
      trace.note(this.#label, `${record.id} is answered`);
      return true;
    } catch (error) {
      bare.fail(record, error);
      trace.note(this.#label, `${record.id} fails: ${String(error)}`);
      return false;
    }
  }

  async #hand(random: SeededRandom): Promise<void> {
    const { mix } = this.#stage.plan;
    const { servers, bare } = this.#targets;
    while (this.#goesOn()) {
      if (bare.length > 0 && random.chance(mix.bare)) {
        this.#stage.takeCalls(1);
        const [timeoutMs, length] = [random.range(1, 500), random.integer(8, 99)];
        await this.request(pick(random, bare), random.chance(0.5), timeoutMs, length);
      } else if (servers.length > 0) {
        await this.#session(random, pick(random, servers));
      } else return; // nobody to call
      if (random.chance(0.2)) await this.#stage.sleep(random.range(0, 400));
    }
  }

  /** One call, or a batch, to a session peer. */
  async #session(random: SeededRandom, server: Peer): Promise<void> {
    const stage = this.#stage;
    const { mix } = stage.plan;
    const opening = this.way(server, random.range(50, 2000), random.chance(0.5));
    let way: Way;
    try {
      way = await opening;
    } catch (error) {
      stage.trace.note(this.#label, `no connection to ${server}: ${String(error)}`);
      await stage.sleep(random.range(10, 200));
      return;
    }
    if (!this.#goesOn()) return;
    const count = stage.takeCalls(random.chance(mix.batch) ? random.integer(5, 80) : 1);
    const calls = Array.from({ length: count }, () => {
      const abortMs = random.chance(mix.cancel) ? random.range(-5, 60) : undefined;
      return this.call(way, drawCall(random, mix), abortMs);
    });
    if (random.chance(0.7)) await Promise.all(calls);
    else await stage.sleep(random.range(0, 10));
    if (!random.chance(0.02) || this.#ways.get(server) !== opening) return;
    stage.trace.note(this.#label, `closes ${way.route.name}`);
    this.#ways.delete(server);
    void way.connection.close();
  }

  #goesOn(): boolean {
    return !this.#stopped && !this.#stage.calm && this.#stage.callsLeft > 0;
  }
}
