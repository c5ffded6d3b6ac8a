import test from 'ava';
import { asks, decodeTold, encodeAsk, u64, type Ask } from './ulog.ts';
import { deferred, World } from '../../simulation/world.ts';
import {
  DM_LOG_GROUP,
  DM_LOG_ID,
  serveMirrorLogs,
  WAITING_MAX,
  type LogServer,
  type StorageWork,
} from '../../../agents/dm-log/server.ts';
import { Slab } from '../../../core/slab.ts';
import {
  createEndpoint,
  decodeDatagram,
  encodeMessage,
  SeededRandom,
  type Endpoint,
} from '../../../index.ts';

// A server between a kernel that asks without waiting and a store as slow as the test wants.

/** Work that the server has handed to its store. */
interface Stored {
  readonly work: StorageWork;
  readonly finish: () => void;
}

class Scene {
  readonly world = new World();
  readonly server: LogServer;
  /** Numbers of the requests that were answered, in the order of the answers. */
  readonly answered: number[] = [];
  readonly stored: Stored[] = [];
  /** Store at once. */
  fast = true;
  readonly #kernel = this.world.network.open({ address: 0, receiveBuffer: 2 ** 24 });
  readonly #endpoint: Endpoint;

  constructor() {
    this.#kernel.start({
      receive: (slab, start, end) => {
        const decoded = decodeDatagram(slab.bytes.slice(start, end));
        if (decoded.ok) this.answered.push(decodeTold(decoded.messages[0]!.payload).seq);
      },
      overrun: () => {},
      received: () => {},
      failed: () => {},
    });
    const transport = this.world.network.open({ address: 500 });
    transport.join(DM_LOG_GROUP);
    const { clock } = this.world;
    this.#endpoint = createEndpoint({ transport, clock, random: new SeededRandom(1) });
    const store = (work: StorageWork): Promise<void> => this.#store(work);
    const close = (): Promise<void> => Promise.resolve();
    this.server = serveMirrorLogs(this.#endpoint, { boot: 'first', images: [], store, close });
  }

  /** Asks, and lets everything come that comes without the store. */
  async ask(...all: readonly Ask[]): Promise<void> {
    for (const ask of all) {
      const { seq } = ask;
      const bytes = encodeMessage({ id: DM_LOG_ID, seq, ack: 0, flags: 0 }, encodeAsk(ask));
      this.#kernel.multicast(new Slab(bytes), 0, bytes.length, DM_LOG_GROUP);
    }
    await this.world.sleep(1);
  }

  /** Ends the work at the head, and lets come what follows from that. */
  async finish(): Promise<void> {
    this.stored.shift()!.finish();
    await this.world.sleep(1);
  }

  /** A mirror that runs, with nothing to be stored. */
  async begin(uuid: string): Promise<void> {
    const data = Buffer.from('4096 file 1024 nosync');
    await this.ask({ kind: asks.ctr, seq: 1, uuid, data }, { kind: asks.resume, seq: 2, uuid });
    this.answered.length = 0;
  }

  async end(): Promise<void> {
    this.fast = true;
    for (const { finish } of this.stored.splice(0)) finish();
    await this.server.close();
    await this.#endpoint.close();
  }

  async #store(work: StorageWork): Promise<void> {
    if (this.fast) return;
    const { promise, resolve } = deferred();
    this.stored.push({ work, finish: resolve });
    await promise;
  }
}

function story(tell: (scene: Scene) => Promise<void>): Promise<void> {
  const scene = new Scene();
  return scene.world.run(async () => {
    await tell(scene);
    await scene.end();
  });
}

test('the work of one log is stored in its order and answered then; other logs go on', (t) =>
  story(async (scene) => {
    for (const uuid of ['one', 'two']) await scene.begin(uuid);
    scene.fast = false;
    await scene.ask(
      { kind: asks.mark, seq: 10, data: u64(1) },
      { kind: asks.mark, seq: 11, data: u64(2) },
      { kind: asks.inSync, seq: 12, data: u64(1) },
      { kind: asks.mark, seq: 13, uuid: 'two', data: u64(1) },
      { kind: asks.inSync, seq: 14, uuid: 'two', data: u64(1) },
    );
    const uuids = (): string[] => scene.stored.map(({ work }) => work.uuid);
    t.deepEqual(uuids(), ['one', 'two'], 'one at a time for each log');
    t.deepEqual(scene.answered, []);
    await scene.finish();
    t.deepEqual(scene.answered, [10]);
    t.deepEqual(uuids(), ['two', 'one']);
    await scene.finish();
    t.deepEqual(scene.answered, [10, 13, 14]);
    await scene.finish();
    t.deepEqual(scene.answered, [10, 13, 14, 11, 12]);
  }));

test('what waits for the store is bounded; what is dropped is counted, not answered', (t) =>
  story(async (scene) => {
    await scene.begin('one');
    scene.fast = false;
    for (let seq = 10; seq < 10 + WAITING_MAX + 5; seq++) {
      await scene.ask({ kind: asks.mark, seq, data: u64(1) });
    }
    t.is(scene.server.stats().overload, 5);
    await scene.finish();
    t.is(scene.answered.length, WAITING_MAX);
    t.is(scene.answered.at(-1), 9 + WAITING_MAX);
    await scene.ask({ kind: asks.inSync, seq: 5000, data: u64(1) });
    t.is(scene.answered.at(-1), 5000, 'the place is free again');
  }));
