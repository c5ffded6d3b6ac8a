import { pick } from './odds.ts';
import type { Party } from './party.ts';
import type { Stage } from './stage.ts';
import type { SeededRandom } from '../../core/random.ts';

const DOWN_MAX_MS = 500;
const CUT_MAX_MS = 1500;
const JUMP_MAX_MS = 5000;

/** Makes endpoints crash and start anew, cuts links and mends them, until the faults stop. */
export class Chaos {
  readonly #stage: Stage;
  readonly #parties: readonly Party[];

  constructor(stage: Stage, parties: readonly Party[]) {
    this.#stage = stage;
    this.#parties = parties;
  }

  /** Starts a party, and lets its client make calls. */
  start(party: Party): void {
    party.start();
    void party.client?.run();
  }

  async run(): Promise<void> {
    const { crashes, partitions, drains, jumps } = this.#stage.plan.chaos;
    const random = this.#stage.random.fork('chaos');
    await Promise.all([
      this.#repeat(random.fork('crashes'), crashes, (own) => this.#crash(own)),
      this.#repeat(random.fork('partitions'), partitions, (own) => this.#cut(own)),
      this.#repeat(random.fork('drains'), drains, (own) => pick(own, this.#parties).drain()),
      this.#repeat(random.fork('jumps'), jumps, async (own) => {
        pick(own, this.#parties).jump(own.range(1, own.chance(0.2) ? JUMP_MAX_MS : 50));
      }),
    ]);
  }

  /** Does one thing after another, each of which may go on while the next begins. */
  async #repeat(
    random: SeededRandom,
    perSecond: number,
    act: (random: SeededRandom) => Promise<void>,
  ): Promise<void> {
    if (perSecond === 0) return;
    for (;;) {
      await this.#stage.pause(random, perSecond);
      if (this.#stage.calm) return;
      void act(random);
    }
  }

  async #crash(random: SeededRandom): Promise<void> {
    const party = pick(random, this.#parties);
    if (!party.up) return;
    party.crash(random.chance(0.7));
    if (random.chance(0.6)) await this.#stage.sleep(random.range(0, DOWN_MAX_MS));
    if (!this.#stage.calm) this.start(party);
  }

  async #cut(random: SeededRandom): Promise<void> {
    const { network, deeds, trace } = this.#stage;
    const from = pick(random, this.#parties).plan.address;
    const to = pick(random, this.#parties).plan.address;
    const both = random.chance(0.5);
    trace.note('net', `cuts ${from} > ${to}${both ? ' and back' : ''}`);
    deeds.partitions += 1;
    network.partition(from, to);
    if (both) network.partition(to, from);
    await this.#stage.sleep(random.range(10, CUT_MAX_MS));
    trace.note('net', `mends ${from} > ${to}`);
    network.heal(from, to);
    if (both) network.heal(to, from);
  }
}
