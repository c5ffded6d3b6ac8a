import test from 'ava';
import { ID, World } from './world.ts';
import { isConnectorError, type Endpoint } from '../../index.ts';

// A server is killed and started again at its address. Every call that was open ends with what is
// known of it, soon after the new server could be asked.

const WAY = { min: 0.5, max: 0.5 };
/** How soon after the new server is there (issue 3). */
const SOON_MS = 50;
const DOWN_MS = 300;

interface Ending {
  readonly at: number;
  readonly code: string;
  readonly outcome: string | undefined;
}

interface Scene {
  readonly inFlight: number;
  readonly loss: number;
  readonly reportsDeath: boolean;
  /** True: the handlers of the first server never end, so nothing moves when it is killed. */
  readonly hangs: boolean;
  /** How long the calls have been open when the server is killed. */
  readonly openMs: number;
}

/** Gives when the new server was there, and how each call ended. */
async function play(scene: Scene): Promise<{ upAt: number; endings: Ending[]; ran: number }> {
  const { inFlight, loss, reportsDeath, hangs, openMs } = scene;
  const faults = { loss, delayMs: WAY };
  const world = new World({ faults, reportsDeath, seed: inFlight + 1 });
  let ran = 0;
  const serve = (server: Endpoint): unknown =>
    server.serve(ID, {
      work: () => {
        ran += 1;
        return hangs ? new Promise(() => {}) : world.sleep(1);
      },
    });
  return await world.run(async () => {
    const first = world.endpoint(100);
    serve(first);
    const client = world.endpoint(200);
    const connection = await client.connect(ID, { peer: 100 });
    const endings: Ending[] = [];
    let over = false;
    const caller = async (): Promise<void> => {
      while (!over) {
        try {
          await connection.call('work', new Uint8Array(64));
        } catch (error) {
          if (!isConnectorError(error)) throw error;
          endings.push({ at: world.clock.now(), code: error.code, outcome: error.outcome });
          return;
        }
      }
    };
    const callers = Array.from({ length: inFlight }, caller);
    await world.sleep(openMs);
    over = true;
    first.destroy(); // it says nothing to anybody, as a process that is killed
    await world.sleep(DOWN_MS);
    const second = world.endpoint(100);
    const upAt = world.clock.now();
    second.serve(ID, { work: () => 'anew' });
    await Promise.all(callers);
    client.destroy();
    second.destroy();
    return { upAt, endings, ran };
  });
}

for (const reportsDeath of [true, false]) {
  for (const loss of [0, 0.1]) {
    for (const inFlight of [1, 64, 1024]) {
      for (const hangs of [true, false]) {
        const how = hangs ? 'waiting for handlers' : 'in traffic';
        const death = reportsDeath ? 'is seen' : 'is not seen';
        const told = `${inFlight} calls ${how}, loss ${100 * loss} %, death ${death}`;
        test(`P5.11: calls end soon after a restart: ${told}`, async (t) => {
          const scene = { inFlight, loss, reportsDeath, hangs, openMs: 500.7 };
          const { upAt, endings, ran } = await play(scene);
          if (hangs) t.is(endings.length, inFlight);
          else t.true(loss > 0 || endings.length > 0);
          for (const { at, code, outcome } of endings) {
            t.true(at <= upAt + SOON_MS, `${at - upAt} ms after`);
            t.is(code, 'peer-lost');
            t.is(outcome, 'unknown');
          }
          if (hangs) t.is(ran, inFlight);
        });
      }
    }
  }
}

test('P5.11: a call that has been waiting for long learns of a restart as soon', async (t) => {
  const scene = { inFlight: 1, loss: 0.1, reportsDeath: false, hangs: true, openMs: 20_000 };
  const { upAt, endings } = await play(scene);
  t.is(endings.length, 1);
  t.true(endings[0]!.at <= upAt + SOON_MS, `${endings[0]!.at - upAt} ms after`);
});

test('P5.11: asking costs fifty datagrams a second, less for each of many', async (t) => {
  const world = new World({ faults: { delayMs: WAY } });
  await world.run(async () => {
    const server = world.endpoint(100);
    server.serve(ID, { wait: () => new Promise(() => {}) });
    const clients: Endpoint[] = [];
    const rate = async (): Promise<number> => {
      const before = world.network.stats().datagrams;
      await world.sleep(2_000);
      return (world.network.stats().datagrams - before) / 2;
    };
    const join = async (address: number): Promise<void> => {
      const client = world.endpoint(address);
      clients.push(client);
      const connection = await client.connect(ID, { peer: 100 });
      connection.call('wait', undefined, { timeoutMs: Infinity }).catch(() => undefined);
    };
    t.is(await rate(), 0);
    await join(200);
    await world.sleep(1_000);
    const alone = await rate();
    t.true(alone > 45 && alone <= 50, `${alone} datagrams a second`);
    for (let address = 201; address < 400; address++) await join(address);
    await world.sleep(1_000);
    const crowd = await rate();
    t.true(crowd < 2_500, `${crowd} datagrams a second of ${clients.length} clients`);
    for (const client of clients) client.destroy();
    server.destroy();
  });
});
