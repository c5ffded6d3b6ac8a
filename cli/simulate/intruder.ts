import { HARM, type Stage } from './stage.ts';
import { JumpingClock } from './jumping-clock.ts';
import type { SeededRandom } from '../../core/random.ts';
import { Slab, type Slab as Bytes } from '../../core/slab.ts';
import { createEndpoint, type Endpoint } from '../../sessions/endpoint.ts';
import type { SimulatedTransport } from '../../transport/simulated/network.ts';
import type { Peer, SendOutcome } from '../../transport/transport.ts';
import { stampChecksum } from '../../transport/wire/checksum.ts';
import * as frame from '../../transport/wire/frame.ts';

const MUTATIONS_MAX = 4;
const OPEN_MS = 200;
const CALL_MS = 300;

/**
 * A session peer that means harm: it finishes handshakes, so that it knows tags and numbers, and
 * then says wrong things in good form - fields changed at random under a right checksum.
 */
export class Intruder {
  readonly #stage: Stage;
  readonly #random: SeededRandom;
  readonly #endpoint: Endpoint;
  readonly #victims: readonly Peer[];

  constructor(stage: Stage, address: Peer, victims: readonly Peer[]) {
    this.#stage = stage;
    this.#victims = victims;
    this.#random = stage.random.fork('intruder');
    stage.settle(address);
    const transport = stage.network.open({ address });
    const clock = new JumpingClock(stage.clock);
    const random = this.#random.fork('endpoint');
    transport.send = this.#corrupting(transport);
    const limits = { silenceMs: 1000, repliesMax: 4096, completedPairsMax: 256 };
    this.#endpoint = createEndpoint({ transport, clock, random, limits });
  }

  /** Intrudes until the faults stop. */
  async run(): Promise<void> {
    const { intrusions } = this.#stage.plan.hostility;
    if (intrusions === 0) return;
    while (!this.#stage.calm) {
      await this.#stage.pause(this.#random, intrusions);
      const victim = this.#victims[this.#random.integer(0, this.#victims.length - 1)];
      if (victim === undefined || this.#stage.calm) continue;
      this.#stage.deeds.intrusions += 1;
      void this.#intrude(victim).catch(() => undefined); // it is nobody's promise
    }
  }

  close(): void {
    this.#endpoint.destroy();
  }

  async #intrude(peer: Peer): Promise<void> {
    const connection = await this.#endpoint.connect(HARM, { peer, timeoutMs: OPEN_MS });
    const random = this.#random;
    const options = { timeoutMs: CALL_MS };
    const calls = Array.from({ length: random.integer(1, 8) }, async () => {
      const input = new Uint8Array(random.integer(0, random.chance(0.1) ? 100_000 : 50));
      const channel = random.chance(0.5) ? { channel: 'c' } : {};
      if (random.chance(0.3)) await connection.send('echo', input, { ...options, ...channel });
      else if (random.chance(0.3)) {
        for await (const value of connection.stream('echo', input, options)) void value;
      } else await connection.call('echo', input, { ...options, ...channel });
    });
    await Promise.allSettled(calls);
    if (random.chance(0.5)) await connection.close();
  }

  #corrupting(transport: SimulatedTransport): SimulatedTransport['send'] {
    const send = transport.send.bind(transport);
    return (slab, start, end, peer): SendOutcome => {
      const data = slab.view.getUint16(start + frame.ENVELOPE_CN + 18, true) === frame.DATA;
      if (!data || !this.#random.chance(0.3)) return send(slab, start, end, peer);
      const bytes = new Slab(slab.bytes.slice(start, end));
      this.#corrupt(bytes);
      return send(bytes, 0, bytes.bytes.length, peer);
    };
  }

  #corrupt(slab: Bytes): void {
    const { bytes } = slab;
    for (let left = this.#random.integer(1, MUTATIONS_MAX); left > 0; left--) {
      // Behind the fields that say whose datagram it is: a stranger to the session is another foe.
      const at = this.#random.integer(frame.DATA_NUMBER_HIGH, bytes.length - 1);
      bytes[at] = this.#random.chance(0.5) ? this.#random.integer(0, 255) : bytes[at]! ^ 1;
    }
    if (!this.#stage.plan.intact) stampChecksum(slab, 0, bytes.length);
  }
}
