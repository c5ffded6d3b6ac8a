/**
 * A process that prints what an echo call of 64 B allocates at both ends together, with the
 * simulated network between them: `allocations.js IN_FLIGHT`. Needs `gc` and
 * a heap in which nothing is collected meanwhile.
 */
import { createEndpoint, SeededRandom, VirtualClock, type Endpoint } from '../../index.ts';
import { SimulatedNetwork } from '../../transport/simulated/network.ts';

/** Bytes for each call, one number for each round. */
export interface Allocations {
  readonly heap: readonly number[];
  readonly buffers: readonly number[];
}

const ID = { idx: 20, val: 1 };
/** Fewer would leave tables growing that take turns: the wheel, the window. */
const CALLS = 4096;
const WARM_UPS = 2;
const ROUNDS = 3;

/** Makes the process's endpoints call; what is in use before and after each round is compared. */
async function allocations(clock: VirtualClock, inFlight: number): Promise<Allocations> {
  const faults = { delayMs: { min: 0.05, max: 0.05 } };
  const network = new SimulatedNetwork({ clock, faults });
  const open = (address: number): Endpoint =>
    createEndpoint({
      transport: network.open({ address, receiveBuffer: 4 << 20 }),
      clock,
      random: new SeededRandom(address),
    });
  const [client, server] = [open(200), open(100)];
  server.serve(ID, { echo: (input) => input });
  const connection = await client.connect(ID, { peer: 100 });
  const payload = new Uint8Array(64);
  const worker = async (): Promise<void> => {
    for (let call = 0; call < CALLS / inFlight; call++) await connection.call('echo', payload);
  };
  const heap: number[] = [];
  const buffers: number[] = [];
  for (let round = -WARM_UPS; round < ROUNDS; round++) {
    globalThis.gc!();
    const before = process.memoryUsage();
    await Promise.all(Array.from({ length: inFlight }, worker));
    const after = process.memoryUsage();
    if (round < 0) continue;
    heap.push((after.heapUsed - before.heapUsed) / CALLS);
    buffers.push((after.arrayBuffers - before.arrayBuffers) / CALLS);
  }
  await client.close();
  await server.close();
  return { heap, buffers };
}

const clock = new VirtualClock();
console.log(JSON.stringify(await clock.run(allocations(clock, Number(process.argv[2])))));
