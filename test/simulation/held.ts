/**
 * A process that prints what an open call with 64 B of payload takes at both ends together:
 * `held.js CALLS`. Needs `gc`.
 */
import { createEndpoint, SeededRandom, VirtualClock, type Endpoint } from '../../index.ts';
import { SimulatedNetwork } from '../../transport/simulated/network.ts';

/** Bytes for each call. */
export interface Held {
  readonly heap: number;
  readonly buffers: number;
}

const ID = { idx: 20, val: 1 };
/** Made before it counts: until then tables grow, and V8 compiles. */
const BEFORE = 1024;
/** After which nothing is owed to the other side. */
const QUIET_MS = 1_000;

/** Makes calls that their handler does not answer; what is in use with few and many is compared. */
async function held(clock: VirtualClock, calls: number): Promise<Held> {
  const network = new SimulatedNetwork({ clock });
  const open = (address: number): Endpoint =>
    createEndpoint({
      transport: network.open({ address, receiveBuffer: 4 << 20 }),
      clock,
      random: new SeededRandom(address),
    });
  const [client, server] = [open(200), open(100)];
  const never = new Promise<undefined>(() => {});
  let running = 0;
  server.serve(ID, {
    hold: () => {
      running += 1;
      return never;
    },
    running: () => running,
  });
  const connection = await client.connect(ID, { peer: 100 });
  const payload = new Uint8Array(64);
  const options = { timeoutMs: 600_000 };
  let made = 0;
  const used = async (count: number): Promise<NodeJS.MemoryUsage> => {
    for (; made < count; made++) void connection.call('hold', payload, options);
    while (((await connection.call('running', null, options)) as number) < count);
    await clock.advance(QUIET_MS);
    globalThis.gc!();
    return process.memoryUsage();
  };
  const before = await used(BEFORE);
  const after = await used(BEFORE + calls);
  return {
    heap: (after.heapUsed - before.heapUsed) / calls,
    buffers: (after.arrayBuffers - before.arrayBuffers) / calls,
  };
}

const clock = new VirtualClock();
console.log(JSON.stringify(await clock.run(held(clock, Number(process.argv[2])))));
process.exit(0); // the calls would be open for ever
