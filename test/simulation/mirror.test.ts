import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { LogDisk } from './mirror-disk.ts';
import { CutOff, Mirror, UlogKernel, type Legs } from './mirror-kernel.ts';
import { World } from './world.ts';
import { serveMirrorLogs, type LogServer } from '../../agents/dm-log/server.ts';
import { createEndpoint, SeededRandom, type Endpoint } from '../../index.ts';
import type { Faults } from '../../transport/faults.ts';

// A mirror whose log agents/dm-log keeps, over a network with faults, in virtual time, while the
// server is killed and the machine cut off. Whatever happens: a region that the log takes for in
// sync is the same on both legs.

const REGIONS = 40;
const LINE = `${REGIONS * 1024} file 1024`;
const SERVER = 500;
const HOURS = 100 * 3_600_000;

interface Plan {
  readonly seed: number;
  readonly faults: Faults;
  /** How long a server lives, and how long nobody is there, ms; Infinity: for ever. */
  readonly serverLifeMs: number;
  readonly absenceMs: number;
  /** How long the machine runs, ms. */
  readonly machineLifeMs: number;
  readonly diskFailures?: number;
  readonly line?: string;
}

class Story {
  readonly world: World;
  readonly random: SeededRandom;
  readonly disk: LogDisk;
  readonly legs: Legs;
  readonly counts = { boots: 0, starts: 0, writes: 0, recovered: 0, retries: 0, repeated: 0 };
  readonly #plan: Plan;
  readonly #t: ExecutionContext;
  #endpoint: Endpoint | undefined;
  #server: LogServer | undefined;
  #life = 0;

  constructor(t: ExecutionContext, plan: Plan) {
    this.#t = t;
    this.#plan = plan;
    this.world = new World({ seed: plan.seed, faults: plan.faults });
    this.random = new SeededRandom(plan.seed).fork('mirror');
    this.disk = new LogDisk(this.world, this.random.fork('disk'));
    const blank = (): number[] => Array.from({ length: REGIONS }, () => this.random.u32());
    this.legs = { first: blank(), second: blank() };
  }

  /** Some boots of the machine with writes, and a last one in peace, that recovers everything. */
  async tell(): Promise<void> {
    for (let boot = 0; boot < 6; boot++) await this.#boot(boot, false);
    await this.#boot(6, true);
    this.#t.deepEqual(this.legs.first, this.legs.second, `seed ${this.#plan.seed}`);
  }

  async #boot(boot: number, last: boolean): Promise<void> {
    const { world, random } = this;
    this.counts.boots += 1;
    this.disk.failures = last ? 0 : (this.#plan.diskFailures ?? 0);
    this.#start(`boot ${boot}`);
    const kernel = new UlogKernel(world, random.fork(`boot ${boot}`), this.#plan.line ?? LINE);
    const mirror = new Mirror(kernel, this.legs, random.fork(`mirror ${boot}`));
    const end = world.clock.timer(() => kernel.cutOff());
    const { machineLifeMs, serverLifeMs } = this.#plan;
    if (!last) end.arm(world.clock.now() + random.range(machineLifeMs / 4, machineLifeMs));
    let running = true;
    const chaos = async (): Promise<void> => {
      while (running && !last && serverLifeMs !== Infinity) {
        await world.sleep(random.range(0, serverLifeMs));
        this.#kill();
        await world.sleep(random.range(0, this.#plan.absenceMs));
        if (running) this.#start(`boot ${boot}`);
      }
    };
    const killer = chaos();
    try {
      while (!(await mirror.activate())) await kernel.sleep(1000);
      if (last) await this.#recoverAll(mirror);
      else for (;;) await this.#step(mirror);
    } catch (error) {
      if (!(error instanceof CutOff)) throw error;
    }
    running = false;
    end.disarm();
    kernel.cutOff();
    this.counts.writes += mirror.writes;
    this.counts.recovered += mirror.recovered;
    this.counts.retries += kernel.retries;
    await killer;
    this.#kill();
    this.disk.cutOff();
  }

  async #step(mirror: Mirror): Promise<void> {
    const { random } = this;
    const some = (): number[] => [
      ...new Set(
        Array.from({ length: random.integer(1, 6) }, () => random.integer(0, REGIONS - 1)),
      ),
    ];
    const choice = random.integer(0, 19);
    if (choice < 6) await mirror.write(some());
    else if (choice < 9) await mirror.clear();
    else if (choice < 16) await mirror.recover();
    else if (choice < 17) await mirror.write(some(), 1);
    else if (choice < 18) await mirror.suspend();
    else
      this.#t.deepEqual(await mirror.wrong(), [], `in sync and different, seed ${this.#plan.seed}`);
  }

  async #recoverAll(mirror: Mirror): Promise<void> {
    this.#t.deepEqual(
      await mirror.wrong(),
      [],
      `in sync and different after a cut, seed ${this.#plan.seed}`,
    );
    while (await mirror.recover());
    this.#t.is(await mirror.syncCount(), REGIONS);
  }

  #start(boot: string): void {
    const life = (this.#life += 1);
    this.counts.starts += 1;
    const transport = this.world.network.open({ address: SERVER });
    transport.join(7);
    const random = this.random.fork(`server ${life}`);
    this.#endpoint = createEndpoint({ transport, clock: this.world.clock, random });
    this.#server = serveMirrorLogs(
      this.#endpoint,
      this.disk.open(boot, () => this.#life === life),
    );
  }

  /** As SIGKILL does: nothing is said, and nothing stored any more. */
  #kill(): void {
    if (this.#endpoint === undefined) return;
    this.#life += 1;
    this.counts.repeated += this.#server!.stats().repeated + this.#server!.stats().stale;
    this.#endpoint.destroy();
    this.#endpoint = undefined;
  }
}

async function tell(t: ExecutionContext, plan: Plan): Promise<Story['counts']> {
  const story = new Story(t, plan);
  await story.world.clock.run(story.tell(), HOURS);
  return story.counts;
}

const seeds = fc.integer({ min: 0, max: 0xffff_ffff });
const CALM: Faults = { delayMs: { min: 0.02, max: 0.02 } };

test('a mirror is right whenever the machine is cut off', async (t) => {
  await fc.assert(
    fc.asyncProperty(seeds, async (seed) => {
      const plan = {
        seed,
        faults: CALM,
        serverLifeMs: Infinity,
        absenceMs: 0,
        machineLifeMs: 1000,
      };
      const counts = await tell(t, plan);
      t.true(counts.writes > 50, JSON.stringify(counts));
    }),
    { numRuns: 6 },
  );
});

test('a mirror is right whenever its server is killed, and comes back soon or late', async (t) => {
  await fc.assert(
    fc.asyncProperty(seeds, fc.constantFrom(1, 1000, 30_000), async (seed, away) => {
      const plan = { seed, serverLifeMs: 500, absenceMs: away, machineLifeMs: 300_000 };
      const counts = await tell(t, { ...plan, faults: CALM });
      t.true(counts.starts > 20, JSON.stringify(counts));
    }),
    { numRuns: 5 },
  );
});

// No server is killed here: no transport keeps copies for the next one to be found at an address.
test('a mirror is right when requests and answers are lost, copied and overtaken', async (t) => {
  let repeated = 0;
  await fc.assert(
    fc.asyncProperty(seeds, async (seed) => {
      const faults = {
        loss: 0.03,
        duplicate: 0.2,
        duplicateDelayMs: { min: 0, max: 60 },
        reorder: 0.1,
        reorderDelayMs: { min: 1, max: 40 },
        delayMs: { min: 0.02, max: 0.3 },
      };
      const plan = { seed, faults, serverLifeMs: Infinity, absenceMs: 0, machineLifeMs: 300_000 };
      const counts = await tell(t, plan);
      repeated += counts.repeated;
      t.true(counts.retries > 0, JSON.stringify(counts));
    }),
    { numRuns: 5 },
  );
  t.true(repeated > 500, `${repeated} repeated`);
});

test('a mirror is right when the disk of its log fails now and then', async (t) => {
  await fc.assert(
    fc.asyncProperty(seeds, async (seed) => {
      const plan = {
        seed,
        faults: CALM,
        serverLifeMs: 3000,
        absenceMs: 100,
        machineLifeMs: 20_000,
      };
      await tell(t, { ...plan, diskFailures: 0.1 });
    }),
    { numRuns: 5 },
  );
});
