import { BARE, type Stage } from './stage.ts';
import { stamped } from './stamp.ts';
import type { SeededRandom } from '../../core/random.ts';
import { Slab } from '../../core/slab.ts';
import type { SimulatedTransport } from '../../transport/simulated/network.ts';
import type { Peer } from '../../transport/transport.ts';
import { decodeDatagram, encodeMessage } from '../../transport/wire/datagram.ts';

/** Its own requests are told from those of others by their number. */
const FIRST_ID = 2_000_000;
const SESSION_FLAG = 0x8000;
const MEAN_PER_SECOND = 10;

/** A peer that knows the 20-byte header and nothing else: it answers, and asks. */
export class BarePeer {
  readonly address: Peer;
  readonly #stage: Stage;
  readonly #random: SeededRandom;
  readonly #transport: SimulatedTransport;
  /** By seq, the ack of each of its requests. */
  readonly #asked = new Map<number, number>();

  constructor(stage: Stage, address: Peer) {
    this.address = address;
    this.#stage = stage;
    this.#random = stage.random.fork(`bare ${address}`);
    this.#transport = stage.network.open({ address });
    stage.settle(address);
    this.#transport.start({
      receive: (slab, start, end, { peer }) => this.#take(slab.bytes.slice(start, end), peer),
      overrun: () => undefined,
      received: () => undefined,
      failed: () => undefined,
    });
  }

  /** Asks session peers now and then, until the faults stop. */
  async run(servers: readonly Peer[]): Promise<void> {
    const random = this.#random.fork('asks');
    for (let seq = 1; servers.length > 0; seq++) {
      await this.#stage.pause(random, MEAN_PER_SECOND);
      if (this.#stage.calm) return;
      const ack = random.u32();
      this.#asked.set(seq, ack);
      const payload = stamped(FIRST_ID + seq, 'request', random.integer(8, 99));
      this.#send({ id: BARE, seq, ack, flags: 0 }, payload, servers[seq % servers.length]!);
    }
  }

  close(): void {
    this.#transport.close();
  }

  #take(bytes: Uint8Array, peer: Peer): void {
    const decoded = decodeDatagram(bytes);
    if (!decoded.ok) return;
    for (const { cn, payload } of decoded.messages) {
      if ((cn.flags & SESSION_FLAG) !== 0) continue;
      const reply = this.#stage.bare.reply(payload);
      if (reply === undefined) {
        this.#check(cn.seq, cn.ack);
        continue;
      }
      // An agent that is slow or loses its reply is a fault like others.
      if (!this.#stage.calm && this.#random.chance(0.1)) continue;
      const header = { ...cn, ack: (cn.ack + 1) >>> 0 };
      const delayMs = this.#stage.calm ? 0 : this.#random.range(0, 5);
      void this.#stage.sleep(delayMs).then(() => this.#send(header, reply, peer));
    }
  }

  /** A reply to a request of its own has its seq, and its ack + 1. */
  #check(seq: number, ack: number): void {
    const asked = this.#asked.get(seq);
    if (asked === undefined || !this.#stage.plan.intact) return;
    if (ack === (asked + 1) >>> 0) return;
    this.#stage.ledger.violated(`the bare peer ${this.address} got a reply with another ack`);
  }

  #send(header: Parameters<typeof encodeMessage>[0], payload: Uint8Array, peer: Peer): void {
    const bytes = encodeMessage(header, payload);
    this.#transport.send(new Slab(bytes), 0, bytes.length, peer);
  }
}
