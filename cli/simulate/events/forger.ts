import type { Forgery } from './plan.ts';
import { pick } from '../odds.ts';
import type { Party } from '../party.ts';
import type { Stage } from '../stage.ts';
import type { SeededRandom } from '../../../core/random.ts';
import { LITTLE_ENDIAN, Slab } from '../../../core/slab.ts';
import type { SimulatedTransport } from '../../../transport/simulated/network.ts';
import { stampChecksum } from '../../../transport/wire/checksum.ts';
import * as frame from '../../../transport/wire/frame.ts';

const MUTATIONS_MAX = 4;

/** The hand of the hostile peer that replays and forges events and the questions about them. */
export class Forger {
  readonly #stage: Stage;
  readonly #transport: SimulatedTransport;
  readonly #parties: readonly Party[];

  /** Sends from the hostile peer's own transport. */
  constructor(stage: Stage, transport: SimulatedTransport, parties: readonly Party[]) {
    this.#stage = stage;
    this.#transport = transport;
    this.#parties = parties;
  }

  /** Does harm until the faults stop. */
  async run({ replays, impersonations, forgeries }: Forgery): Promise<void> {
    const random = this.#stage.random.fork('forger');
    await Promise.all([
      this.#repeat(random.fork('replays'), replays, (own) => this.#replay(own)),
      this.#repeat(random.fork('impersonations'), impersonations, (own) => this.#impersonate(own)),
      this.#repeat(random.fork('forgeries'), forgeries, (own) => this.#forge(own)),
    ]);
  }

  async #repeat(
    random: SeededRandom,
    perSecond: number,
    act: (random: SeededRandom) => void,
  ): Promise<void> {
    if (perSecond === 0) return;
    for (;;) {
      await this.#stage.pause(random, perSecond);
      if (this.#stage.calm) return;
      if (this.#stage.wire.recordedEvents.length > 0) act(random);
    }
  }

  #replay(random: SeededRandom): void {
    const { group, bytes } = pick(random, this.#stage.wire.recordedEvents);
    this.#stage.deeds.eventReplays += 1;
    this.#send(random, bytes, group);
  }

  /** Once more from where it came from, to those who had it. */
  #impersonate(random: SeededRandom): void {
    const { from, to, group, bytes } = pick(random, this.#stage.wire.recordedEvents);
    const tap = this.#parties.find(({ plan }) => plan.address === from)?.tap;
    if (tap === undefined) return;
    this.#stage.deeds.eventImpersonations += 1;
    tap.impersonate(bytes, to, group);
  }

  /** In good form, but for what is said: another kind, numbers, ages, streams. */
  #forge(random: SeededRandom): void {
    const recorded = pick(random, this.#stage.wire.recordedEvents);
    const bytes = recorded.bytes.slice();
    const slab = new Slab(bytes);
    for (let left = random.integer(1, MUTATIONS_MAX); left > 0; left--) {
      const from = random.chance(0.7) ? frame.AT_SESSION : frame.ENVELOPE_CN;
      const at = random.integer(from, Math.min(bytes.length, frame.EVENT_LENGTH) - 1);
      bytes[at] = random.chance(0.5) ? random.integer(0, 255) : bytes[at]! ^ 1;
    }
    if (random.chance(0.2)) {
      const kind = random.chance(0.5) ? frame.EVENT : frame.ASK;
      slab.view.setUint16(frame.ENVELOPE_CN + 18, kind, LITTLE_ENDIAN);
    }
    if (!this.#stage.plan.intact) stampChecksum(slab, 0, bytes.length);
    this.#stage.deeds.eventForgeries += 1;
    this.#send(random, bytes, recorded.group);
  }

  /** To the group that it was for, or to somebody. */
  #send(random: SeededRandom, bytes: Uint8Array, group: number): void {
    const slab = new Slab(bytes);
    const { address } = pick(random, this.#parties).plan;
    if (group === 0 || random.chance(0.2)) this.#transport.send(slab, 0, bytes.length, address);
    else this.#transport.multicast(slab, 0, bytes.length, group);
  }
}
