import type { VirtualClock } from '../../core/virtual-clock.ts';
import type { SeededRandom } from '../../core/random.ts';
import type { Plan } from '../../cli/stress/plan.ts';
import type { createEndpoint, Endpoint } from '../../sessions/endpoint.ts';
import type { SimulatedNetwork } from '../../transport/simulated/network.ts';

/** Of the build that is measured. */
export interface Parts {
  readonly VirtualClock: typeof VirtualClock;
  readonly SeededRandom: typeof SeededRandom;
  readonly SimulatedNetwork: typeof SimulatedNetwork;
  readonly createEndpoint: typeof createEndpoint;
}

const ID = { idx: 20, val: 1 };
const SERVER = 1;
/** Virtual time, ms, in which all calls are long done. */
const LIMIT_MS = 1e9;

/**
 * Echo calls outside of channels in one simulated world without faults, and nothing that checks
 * them. Gives what the endpoints counted.
 */
export async function runPlain(parts: Parts, plan: Plan): Promise<object[]> {
  const { calls, clients, inFlight, payload, seed } = plan;
  const clock = new parts.VirtualClock();
  const random = (number: number): SeededRandom => new parts.SeededRandom(seed * 16 + number);
  const network = new parts.SimulatedNetwork({ clock, random: random(0) });
  const open = (address: number): Endpoint => parts.createEndpoint({
    transport: network.open({ address }), clock, random: random(address) });
  const server = open(SERVER);
  server.serve(ID, { echo: (input) => input });
  const callers = Array.from({ length: clients }, (_none, index) => open(SERVER + 1 + index));
  const bytes = new Uint8Array(payload).fill(7);
  let left = calls;
  const play = async (): Promise<void> => {
    await Promise.all(callers.map(async (caller) => {
      const connection = await caller.connect(ID, { peer: SERVER });
      await Promise.all(Array.from({ length: inFlight }, async () => {
        while (left-- > 0) await connection.call('echo', bytes);
      }));
    }));
    for (const endpoint of [...callers, server]) await endpoint.close();
  };
  await clock.run(play(), LIMIT_MS);
  return [server, ...callers].map((endpoint) => endpoint.stats());
}
