import { BarePeer } from './bare-peer.ts';
import { checkClosed, checkSessions, watchBounds } from './bounds.ts';
import { Chaos } from './chaos.ts';
import type { Targets } from './client.ts';
import { drawPlan } from './draw.ts';
import { proveEvents } from './events/proof.ts';
import { Hostile } from './hostile.ts';
import { Intruder } from './intruder.ts';
import { proveLiveness } from './liveness.ts';
import { pick } from './odds.ts';
import { Party } from './party.ts';
import type { Plan } from './plan.ts';
import type { SeedResult } from './result.ts';
import { Stage } from './stage.ts';
import { Trace } from './trace.ts';
import { judge } from './verdict.ts';
import { VirtualClock } from '../../core/virtual-clock.ts';
import type { Peer } from '../../transport/transport.ts';

const FIRST_BARE = 301;
const INTRUDER = 901;
/** No story takes longer, in virtual time. */
const STORY_MAX_MS = 600_000;
/** The time of every call is up long before this, and every silence has been noticed. */
const SETTLED_MS = 10_000;
/** What an endpoint needs at most to close when nothing is in its way. */
const CLOSED_MS = 30_000;
/** The latest copy comes sooner. */
const ALL_ARRIVED_MS = 600_000;

/** Plays the story of one seed. Never throws: what is thrown is a violation like others. */
export async function playSeed(
  seed: number,
  print?: (line: string) => void,
): Promise<SeedResult> {
  const plan = drawPlan(seed);
  const clock = new VirtualClock();
  const trace = new Trace(() => clock.now(), print);
  const stage = new Stage(plan, clock, trace);
  const { ledger } = stage;
  let lasting: ReadonlySet<Peer> = new Set();
  const stray = (error: unknown): void =>
    ledger.violated(`nobody caught: ${error instanceof Error ? error.stack : String(error)}`);
  process.on('unhandledRejection', stray).on('uncaughtException', stray);
  try {
    const story = new Story(stage);
    await clock.run(story.play(), STORY_MAX_MS);
    lasting = story.lasting();
    await clock.advance(ALL_ARRIVED_MS);
    if (clock.pending > 0) ledger.violated(`${clock.pending} timers are left when all is over`);
  } catch (error) {
    stray(error);
  } finally {
    process.off('unhandledRejection', stray).off('uncaughtException', stray);
  }
  judge(ledger, lasting);
  stage.bare.judge();
  stage.events.judge();
  return resultOf(stage, plan);
}

function resultOf(stage: Stage, plan: Plan): SeedResult {
  const { ledger, bare, events, network, deeds, clock, trace } = stage;
  const { lost, duplicated, reordered, corrupted, truncated, overrun, busy, vanished } =
    network.stats();
  const { noMemory, noMemorySend } = network.stats();
  return {
    seed: plan.seed,
    violations: ledger.violations,
    calls: ledger.calls.length + bare.size,
    events: events.counts,
    faults: {
      lost, duplicated, reordered, corrupted, truncated, overrun, busy, vanished,
      noMemory: noMemory + noMemorySend,
      ...deeds,
    },
    virtualMs: clock.now(),
    digest: trace.digest(),
  };
}

/** Faults, then calm, then the end. */
class Story {
  readonly #stage: Stage;
  readonly #targets: Targets;
  readonly #parties: readonly Party[];
  readonly #barePeers: readonly BarePeer[];
  readonly #hostile: Hostile;
  readonly #intruder: Intruder;

  constructor(stage: Stage) {
    const { plan } = stage;
    const serving = plan.parties.filter(({ role }) => role !== 'client');
    const servers = serving.map(({ address }) => address);
    this.#stage = stage;
    this.#barePeers = Array.from({ length: plan.barePeers }, (_value, at) =>
      new BarePeer(stage, FIRST_BARE + at));
    const bare = [...servers, ...this.#barePeers.map(({ address }) => address)];
    this.#targets = { servers, bare: plan.barePeers > 0 ? bare : [] };
    this.#parties = plan.parties.map((party) => new Party(stage, party, this.#targets));
    this.#hostile = new Hostile(stage, this.#parties);
    this.#intruder = new Intruder(stage, INTRUDER, servers);
  }

  /** The addresses where nothing ever crashed. */
  lasting(): ReadonlySet<Peer> {
    const parties = this.#parties.filter(({ incarnations }) => incarnations.length === 1);
    return new Set(parties.map(({ plan }) => plan.address));
  }

  async play(): Promise<void> {
    await this.#faults();
    await this.#calm();
    await this.#end();
  }

  async #faults(): Promise<void> {
    const stage = this.#stage;
    const chaos = new Chaos(stage, this.#parties);
    for (const party of this.#parties) chaos.start(party);
    for (const peer of this.#barePeers) void peer.run(this.#targets.servers);
    void chaos.run();
    void this.#hostile.run();
    void this.#intruder.run();
    void watchBounds(stage, this.#parties);
    await Promise.race([stage.sleep(stage.plan.faultsMs), stage.spent]);
    await stage.sleep(stage.random.fork('after the last call').range(0, 500));
    stage.endFaults();
  }

  async #calm(): Promise<void> {
    const stage = this.#stage;
    for (const party of this.#parties) if (!party.up) party.start();
    await stage.sleep(SETTLED_MS);
    for (const call of stage.ledger.calls) {
      if (call.settlement === undefined) stage.ledger.violated(`${call} hangs`);
    }
    await Promise.all(this.#parties.map((party) => party.drained()));
    stage.trace.note('net', 'everybody must reach everybody');
    await proveLiveness(stage, this.#parties, this.#targets);
    checkSessions(stage, this.#parties);
    if (stage.plan.events !== undefined) await proveEvents(stage, stage.events, this.#parties);
  }

  async #end(): Promise<void> {
    const { random, trace, clock, ledger, sleep } = this.#stage;
    trace.note('net', 'all close');
    this.#hostile.close();
    this.#intruder.close();
    const order = random.fork('closing');
    const left = [...this.#parties];
    while (left.length > 0) {
      const party = pick(order, left);
      left.splice(left.indexOf(party), 1);
      const { endpoint, plan } = party;
      if (endpoint === undefined) continue;
      party.events?.herald.stop();
      const began = clock.now();
      const closed = endpoint.close().then(() => true);
      const late = sleep.call(this.#stage, CLOSED_MS).then(() => false);
      if (!(await Promise.race([closed, late]))) {
        ledger.violated(`${plan.name} does not close: ${JSON.stringify(endpoint.stats())}`);
        endpoint.destroy();
      }
      trace.note(plan.name, `closed in ${(clock.now() - began).toFixed(3)} ms`);
    }
    for (const peer of this.#barePeers) peer.close();
    for (const { incarnations } of this.#parties) {
      for (const incarnation of incarnations) checkClosed(this.#stage, incarnation);
    }
  }
}
