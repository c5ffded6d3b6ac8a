import { pick } from './odds.ts';
import { Forger } from './events/forger.ts';
import type { Party } from './party.ts';
import { BARE, HOSTILE, SERVICE, type Stage } from './stage.ts';
import type { SeededRandom } from '../../core/random.ts';
import { LITTLE_ENDIAN, Slab } from '../../core/slab.ts';
import type { SimulatedTransport } from '../../transport/simulated/network.ts';
import type { Peer } from '../../transport/transport.ts';
import { encodeMessage } from '../../transport/wire/datagram.ts';
import * as frame from '../../transport/wire/frame.ts';

const FLOOD_LEAST = 20;
const FLOOD_MOST = 200;
const MUTATIONS_MAX = 6;
const AT_CN_FLAGS = 34;

/** A peer with an address of its own that means harm: it replays, forges and floods. */
export class Hostile {
  readonly #stage: Stage;
  readonly #transport: SimulatedTransport;
  readonly #victims: readonly Peer[];
  readonly #parties: readonly Party[];

  constructor(stage: Stage, parties: readonly Party[]) {
    this.#stage = stage;
    this.#parties = parties;
    this.#victims = parties.map(({ plan }) => plan.address);
    this.#transport = stage.network.open({ address: HOSTILE });
    stage.settle(HOSTILE);
    const ignore = (): void => undefined;
    this.#transport.start({ receive: ignore, overrun: ignore, received: ignore, failed: ignore });
  }

  /** Does harm until the faults stop. */
  async run(): Promise<void> {
    const { hostility, events } = this.#stage.plan;
    const forger = new Forger(this.#stage, this.#transport, this.#parties);
    if (events !== undefined) void forger.run(events.forgery);
    const random = this.#stage.random.fork('hostile');
    await Promise.all([
      this.#repeat(random.fork('replays'), hostility.replays, (own) => this.#replay(own)),
      this.#repeat(random.fork('impersonations'), hostility.impersonations, (own) =>
        this.#impersonate(own)),
      this.#repeat(random.fork('forgeries'), hostility.forgeries, (own) => this.#forge(own)),
      this.#repeat(random.fork('floods'), hostility.floods / FLOOD_MOST, (own) =>
        this.#flood(own)),
    ]);
  }

  close(): void {
    this.#transport.close();
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
      act(random);
    }
  }

  #recorded(random: SeededRandom): Uint8Array | undefined {
    const { recorded } = this.#stage.wire;
    return recorded.length === 0 ? undefined : pick(random, recorded).bytes.slice();
  }

  #replay(random: SeededRandom): void {
    const bytes = this.#recorded(random);
    if (bytes === undefined) return;
    this.#stage.deeds.replays += 1;
    this.#send(bytes, pick(random, this.#victims));
  }

  /** A recorded datagram once more, from where it came from: nothing but its tag tells. */
  #impersonate(random: SeededRandom): void {
    const { recorded } = this.#stage.wire;
    if (recorded.length === 0) return;
    const { from, to, group, bytes } = pick(random, recorded);
    const party = this.#parties.find(({ plan }) => plan.address === from);
    if (party === undefined) return;
    this.#stage.deeds.impersonations += 1;
    party.tap?.impersonate(bytes, to, group);
  }

  /** A recorded datagram with a few bytes or its kind changed, or noise behind a true header. */
  #forge(random: SeededRandom): void {
    const bytes = (random.chance(0.7) ? this.#recorded(random) : undefined) ?? noise(random);
    for (let left = random.integer(0, MUTATIONS_MAX); left > 0; left--) {
      bytes[random.integer(0, bytes.length - 1)] = random.integer(0, 255);
    }
    if (random.chance(0.3)) {
      const kind = random.integer(frame.OPEN, frame.DATA);
      new Slab(bytes).view.setUint16(AT_CN_FLAGS, kind, LITTLE_ENDIAN);
    }
    this.#stage.deeds.forgeries += 1;
    const end = random.chance(0.2) ? random.integer(1, bytes.length) : bytes.length;
    this.#send(bytes.slice(0, end), pick(random, this.#victims));
  }

  /** Many OPENs at once, as if of many sessions, or many copies of whatever was recorded. */
  #flood(random: SeededRandom): void {
    const bytes = this.#recorded(random);
    if (bytes === undefined) return;
    const victim = pick(random, this.#victims);
    const many = random.integer(FLOOD_LEAST, FLOOD_MOST);
    this.#stage.trace.note('H', `floods ${victim} with ${many} datagrams`);
    this.#stage.deeds.floods += 1;
    const slab = new Slab(bytes);
    const opens = slab.view.getUint16(AT_CN_FLAGS, LITTLE_ENDIAN) === frame.OPEN;
    for (let left = many; left > 0; left--) {
      if (opens) slab.view.setUint32(frame.AT_SOURCE, random.u32(), LITTLE_ENDIAN);
      this.#send(bytes, victim);
    }
  }

  #send(bytes: Uint8Array, victim: Peer): void {
    this.#transport.send(new Slab(bytes), 0, bytes.length, victim);
  }
}

/** Random bytes behind a header that is a session datagram's, or a bare message's. */
function noise(random: SeededRandom): Uint8Array {
  const payload = Uint8Array.from({ length: random.integer(28, 200) }, () => random.u32() & 0xff);
  const session = random.chance(0.7);
  if (session) new DataView(payload.buffer).setUint32(0, frame.MAGIC, LITTLE_ENDIAN);
  const flags = session ? random.integer(frame.OPEN, frame.DATA) : 0;
  const id = random.chance(0.5) ? SERVICE : BARE;
  return encodeMessage({ id, seq: random.u32(), ack: random.u32(), flags }, payload);
}
