import { Client, type Targets } from './client.ts';
import { Audience } from './events/audience.ts';
import { Herald } from './events/herald.ts';
import type { HeraldPlan } from './events/plan.ts';
import { serverHandlers } from './handlers.ts';
import { OUTSIDER, type PartyPlan } from './plan.ts';
import { JumpingClock } from './jumping-clock.ts';
import { BARE, HARM, SERVICE, type Stage } from './stage.ts';
import { Tap } from './tap.ts';
import { createEndpoint, type Endpoint, type Serving } from '../../sessions/endpoint.ts';

/** One start of a party's process. */
export interface Incarnation {
  readonly label: string;
  readonly endpoint: Endpoint;
  readonly tap: Tap;
  readonly client: Client | undefined;
  readonly clock: JumpingClock;
  readonly events: EventSide | undefined;
  serving: Serving | undefined;
}

/** What an incarnation has to do with events. */
interface EventSide {
  readonly herald: Herald;
  readonly audience: Audience;
}

/** An endpoint that may crash and start again at the same address. */
export class Party {
  readonly plan: PartyPlan;
  readonly #stage: Stage;
  readonly #targets: Targets;
  /** All that ever were, for a look at what they left behind. */
  readonly incarnations: Incarnation[] = [];
  #current: Incarnation | undefined;
  #draining: Promise<void> | undefined;

  constructor(stage: Stage, plan: PartyPlan, targets: Targets) {
    this.#stage = stage;
    this.plan = plan;
    this.#targets = targets;
    stage.settle(plan.address);
  }

  get endpoint(): Endpoint | undefined {
    return this.#current?.endpoint;
  }

  get client(): Client | undefined {
    return this.#current?.client;
  }

  get events(): EventSide | undefined {
    return this.#current?.events;
  }

  get tap(): Tap | undefined {
    return this.#current?.tap;
  }

  get up(): boolean {
    return this.#current !== undefined;
  }

  /** Starts a new incarnation. */
  start(): void {
    const { plan } = this;
    const { network, clock, wire, trace, random } = this.#stage;
    const { address, receiveBuffer, readDelayMs, uid, role, limits } = plan;
    const label = `${plan.name}.${this.incarnations.length + 1}`;
    const credentials = { pid: address, uid, gid: uid };
    const inner = network.open({ address, receiveBuffer, readDelayMs, credentials });
    const tap = new Tap(inner, label, wire);
    const own = random.fork(`endpoint ${label}`);
    const jumping = new JumpingClock(clock);
    const endpoint = createEndpoint({
      transport: tap,
      clock: jumping,
      random: own,
      limits: { ...limits, ...this.#heralding?.limits },
    });
    trace.note(label, `starts at ${address}`);
    const client = role === 'server'
      ? undefined
      : new Client(this.#stage, endpoint, plan, label, this.#targets);
    const events = this.#sides(endpoint, label);
    this.#current = { label, endpoint, tap, client, clock: jumping, events, serving: undefined };
    this.incarnations.push(this.#current);
    void events?.herald.run();
    void events?.audience.run();
    if (role === 'client') return;
    this.#serve(this.#current);
    endpoint.serve(HARM, { echo: (input) => input });
    this.#answer(this.#current);
  }

  /** Its clock jumps ahead. */
  jump(ms: number): void {
    if (this.#current === undefined) return;
    this.#stage.deeds.jumps += 1;
    this.#stage.trace.note(this.#current.label, `jumps ${ms.toFixed(0)} ms ahead`);
    this.#current.clock.jump(ms);
  }

  /** Ends as a process does that is killed; or, if `quiet` is false, one that is told to go. */
  crash(quiet: boolean): void {
    const current = this.#current;
    if (current === undefined) return;
    this.#stage.deeds.crashes += 1;
    this.#stage.trace.note(current.label, quiet ? 'crashes' : 'is destroyed');
    this.#current = undefined;
    current.client?.stop();
    current.events?.herald.stop();
    current.events?.audience.stop();
    if (quiet) current.tap.mute();
    current.endpoint.destroy();
  }

  /** Stops to serve in good order, and serves again. */
  async drain(): Promise<void> {
    if (this.#draining !== undefined || this.#current?.serving === undefined) return;
    this.#stage.deeds.drains += 1;
    this.#draining = this.#drain(this.#current);
    await this.#draining;
    this.#draining = undefined;
  }

  /** Resolves when a drain that goes on is over. */
  async drained(): Promise<void> {
    await this.#draining;
  }

  async #drain(current: Incarnation): Promise<void> {
    const { trace } = this.#stage;
    trace.note(current.label, 'stops to serve');
    await current.serving?.close();
    if (this.#current !== current) return;
    this.#serve(current);
    trace.note(current.label, 'serves again');
  }

  get #heralding(): HeraldPlan | undefined {
    const { events, parties } = this.#stage.plan;
    return events?.heralds[parties.indexOf(this.plan)];
  }

  #sides(endpoint: Endpoint, label: string): EventSide | undefined {
    const plan = this.#heralding;
    if (plan === undefined) return undefined;
    const herald = new Herald(this.#stage, this.#stage.events, endpoint, plan, label);
    const audience = new Audience(this.#stage, this.#stage.events, endpoint, plan, label);
    return { herald, audience };
  }

  #serve(current: Incarnation): void {
    const { endpoint, label } = current;
    current.serving = endpoint.serve(SERVICE, serverHandlers(this.#stage, label), {
      allow: (credentials) => credentials?.uid !== OUTSIDER,
    });
  }

  /** Answers bare peers, as long as it lives. */
  #answer(current: Incarnation): void {
    const { endpoint } = current;
    endpoint.on(BARE, (message) => {
      const reply = this.#stage.bare.reply(message.payload);
      if (reply !== undefined && this.#current === current) endpoint.reply(message, reply);
    });
  }
}
