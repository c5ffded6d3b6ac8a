import type { World } from './world.ts';
import type { SeededRandom } from '../../core/random.ts';
import type { LogStore, StorageWork } from '../../agents/dm-log/server.ts';

const SECTOR = 512;

/** A disk with the logs of mirrors: what was written is cached, what was flushed is on it. */
export class LogDisk {
  /** How often storing fails. */
  failures = 0;
  readonly #world: World;
  readonly #random: SeededRandom;
  readonly #cached = new Map<string, Uint8Array>();
  readonly #flushed = new Map<string, Uint8Array>();

  constructor(world: World, random: SeededRandom) {
    this.#world = world;
    this.#random = random;
  }

  /** A process opens it; `alive` ends with the process: then nothing is written any more. */
  open(boot: string, alive: () => boolean): LogStore {
    const images = [...this.#cached].map(([name, bytes]) => ({ name, bytes: bytes.slice() }));
    return {
      boot,
      images,
      store: async (work) => {
        await this.#world.sleep(this.#random.range(0, 5));
        if (!alive()) return new Promise<void>(() => {}); // nobody is there to hear of it
        if (this.#random.chance(this.failures)) throw new Error('the disk is full');
        this.#write(work);
      },
      close: () => Promise.resolve(),
    };
  }

  /** The machine is cut off: of what was not flushed, some sectors are on the disk. */
  cutOff(): void {
    for (const [uuid, cached] of this.#cached) {
      const flushed = this.#flushed.get(uuid)!;
      for (let at = 0; at < cached.length; at += SECTOR) {
        if (this.#random.chance(0.5)) cached.set(flushed.subarray(at, at + SECTOR), at);
      }
      this.#flushed.set(uuid, cached.slice());
    }
  }

  #write({ uuid, image, patches, durable }: StorageWork): void {
    if (image !== undefined) this.#cached.set(uuid, image.slice());
    const file = this.#cached.get(uuid)!;
    for (const { offset, bytes } of patches) file.set(bytes, offset);
    if (durable) this.#flushed.set(uuid, file.slice());
  }
}
