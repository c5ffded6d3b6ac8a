import type { World } from './world.ts';
import { asks, decodeTold, encodeAsk, fromU64, u64 } from '../unit/agents/ulog.ts';
import { encodeMessage } from '../../index.ts';
import { Slab } from '../../core/slab.ts';
import type { SeededRandom } from '../../core/random.ts';
import type { SimulatedTransport } from '../../transport/simulated/transport.ts';
import { decodeDatagram } from '../../transport/wire/datagram.ts';

const RETRY_MS = 15_000;
const RECONNECT_MS = 2_000;
const ESRCH = -3;
const ENOSPC = -28;

/** The machine was cut off: whatever its kernel was doing ends. */
export class CutOff extends Error {}

interface Result {
  readonly error: number;
  readonly numbers: number[];
}

/**
 * The kernel's side of dm-log-userspace, after drivers/md/dm-log-userspace-*.c of Linux 6.1: asks
 * a group, and again under a new number after 15 s; finds its way back to a server that was away.
 */
export class UlogKernel {
  /** Requests that were asked again. */
  retries = 0;
  /** Times that no server was there. */
  lonely = 0;
  readonly #world: World;
  readonly #transport: SimulatedTransport;
  readonly #open = new Map<number, (told: Result | undefined) => void>();
  readonly #luid: bigint;
  readonly #line: string;
  #seq: number;
  #dead = false;

  constructor(world: World, random: SeededRandom, line: string) {
    this.#world = world;
    this.#line = line;
    this.#luid = 0xffff_8881_0000_0000n + BigInt(random.u32());
    this.#seq = random.u32();
    this.#transport = world.network.open({ address: 0 });
    this.#transport.start({
      receive: (slab, start, end) => {
        const decoded = decodeDatagram(slab.bytes.slice(start, end));
        if (!decoded.ok) return;
        const { seq, error, data } = decodeTold(decoded.messages[0]!.payload);
        this.#open.get(seq)?.({ error, numbers: fromU64(data) });
      },
      overrun: () => {},
      received: () => {},
      failed: () => {},
    });
  }

  /** Ends it as a loss of power does: what waits throws. */
  cutOff(): void {
    this.#dead = true;
    this.#transport.close();
    for (const resolve of [...this.#open.values()]) resolve(undefined);
  }

  async sleep(ms: number): Promise<void> {
    await this.#world.sleep(ms);
    if (this.#dead) throw new CutOff();
  }

  construct(): Promise<Result> {
    return this.consult(asks.ctr, Buffer.from(this.#line));
  }

  /** dm_consult_userspace: one request, until it is answered or nobody is there. */
  async consult(kind: number, data?: Buffer, room = 0): Promise<Result> {
    for (;;) {
      const told = await this.#once(kind, data);
      if (this.#dead) throw new CutOff();
      if (told === undefined) {
        this.retries += 1;
        continue;
      }
      return told.numbers.length > room ? { error: ENOSPC, numbers: [] } : told;
    }
  }

  /**
   * userspace_do_request: finds the server again if it was away. The real one gives up if the
   * server goes once more between the construction and the resumption, and then takes a region for
   * out of sync that the log has in sync, which no server can know of (docs/AGENTS.md).
   */
  async request(kind: number, data?: Buffer, room = 0): Promise<Result> {
    for (;;) {
      const told = await this.consult(kind, data, room);
      if (told.error !== ESRCH) return told;
      this.lonely += 1;
      do await this.sleep(RECONNECT_MS);
      while ((await this.consult(asks.ctr, Buffer.from(`${this.#line}\0`))).error !== 0);
      await this.consult(asks.resume);
    }
  }

  #once(kind: number, data: Buffer | undefined): Promise<Result | undefined> {
    this.#seq = (this.#seq + 1) >>> 0;
    const seq = this.#seq;
    const ask = { kind, seq, luid: this.#luid, ...(data && { data }) };
    const bytes = encodeMessage({ id: { idx: 7, val: 1 }, seq, ack: 0, flags: 0 }, encodeAsk(ask));
    return new Promise((resolve) => {
      const settle = (told: Result | undefined): void => {
        this.#open.delete(seq);
        timer.disarm();
        resolve(told);
      };
      const timer = this.#world.clock.timer(() => settle(undefined));
      timer.arm(this.#world.clock.now() + RETRY_MS);
      this.#open.set(seq, settle);
      const outcome = this.#transport.multicast(new Slab(bytes), 0, bytes.length, 7);
      if (outcome === 'no-peer') settle({ error: ESRCH, numbers: [] });
    });
  }
}

/** The data of a mirror: what each region holds on each of two legs. It outlives its kernels. */
export interface Legs {
  readonly first: number[];
  readonly second: number[];
}

/**
 * What dm-mirror does with its log: one thing after the other, as kmirrord does. A region in sync
 * is marked, and that flushed, before either leg is written; one that is not is written on the
 * first leg only; recovery copies the first to the second.
 */
export class Mirror {
  readonly #kernel: UlogKernel;
  readonly #legs: Legs;
  readonly #random: SeededRandom;
  readonly #marked = new Set<number>();
  writes = 0;
  recovered = 0;

  constructor(kernel: UlogKernel, legs: Legs, random: SeededRandom) {
    this.#kernel = kernel;
    this.#legs = legs;
    this.#random = random;
  }

  /** Makes it active; false if there is no server now. */
  async activate(): Promise<boolean> {
    if ((await this.#kernel.construct()).error !== 0) return false;
    if ((await this.#kernel.consult(asks.regionSize, undefined, 1)).error !== 0) return false;
    return (await this.#kernel.consult(asks.resume)).error === 0;
  }

  /** Writes some regions; `torn` of them only on the first leg, the second failing. */
  async write(regions: readonly number[], torn = 0): Promise<void> {
    const inSync: number[] = [];
    for (const region of regions) if (await this.#inSync(region)) inSync.push(region);
    if (inSync.length > 0) {
      const marked = await this.#kernel.request(asks.mark, u64(...inSync));
      for (const region of inSync) this.#marked.add(region);
      const flushed = await this.#kernel.request(asks.flush);
      if (marked.error !== 0 || flushed.error !== 0) return; // dm fails the writes
    }
    for (const [index, region] of regions.entries()) {
      const value = this.#random.u32();
      this.writes += 1;
      const legs = inSync.includes(region) ? this.#order() : (['first'] as const);
      for (const leg of legs) {
        if (index < torn && leg === 'second') continue;
        this.#legs[leg][region] = value;
        await this.#kernel.sleep(this.#random.range(0, 2));
      }
      if (index < torn && inSync.includes(region)) {
        await this.#kernel.request(asks.setSync, u64(region, 0));
        this.#marked.delete(region); // nobody clears it before it is recovered
      }
    }
  }

  /** Clears what was marked, all of it written. */
  async clear(): Promise<void> {
    if (this.#marked.size === 0) return;
    const regions = [...this.#marked];
    this.#marked.clear();
    await this.#kernel.request(asks.clear, u64(...regions));
    await this.#kernel.request(asks.flush);
  }

  /** Recovers one region; false if there is none to recover. */
  async recover(): Promise<boolean> {
    const { error, numbers } = await this.#kernel.request(asks.resyncWork, undefined, 2);
    const [work, region] = numbers;
    if (error !== 0 || work === 0) return false;
    await this.#kernel.sleep(this.#random.range(0, 2));
    this.#legs.second[region!] = this.#legs.first[region!]!;
    this.recovered += 1;
    await this.#kernel.request(asks.setSync, u64(region!, 1));
    await this.#kernel.request(asks.clear, u64(region!));
    this.#marked.delete(region!);
    return true;
  }

  async suspend(): Promise<void> {
    await this.#kernel.consult(asks.presuspend);
    await this.#kernel.consult(asks.postsuspend);
    await this.#kernel.consult(asks.resume);
    this.#marked.clear();
  }

  async syncCount(): Promise<number> {
    return (await this.#kernel.request(asks.syncCount, undefined, 1)).numbers[0] ?? 0;
  }

  /** Regions that the log takes for in sync although the legs differ: there must be none. */
  async wrong(): Promise<number[]> {
    const wrong: number[] = [];
    for (const [region, value] of this.#legs.first.entries()) {
      if ((await this.#inSync(region)) && this.#legs.second[region] !== value) wrong.push(region);
    }
    return wrong;
  }

  async #inSync(region: number): Promise<boolean> {
    return (await this.#kernel.request(asks.inSync, u64(region), 1)).numbers[0] === 1;
  }

  #order(): readonly ('first' | 'second')[] {
    return this.#random.chance(0.5) ? ['first', 'second'] : ['second', 'first'];
  }
}
