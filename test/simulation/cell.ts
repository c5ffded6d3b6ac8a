import { createEndpoint, SeededRandom, VirtualClock } from '../../index.ts';
import type { Burst } from '../../transport/faults.ts';
import { SimulatedNetwork } from '../../transport/simulated/network.ts';
import { ID } from './world.ts';

/** What one cell of the golden table is measured with. */
export interface CellOptions {
  readonly loss: number;
  readonly burst?: Burst;
  /** The time on the wire, both ways together, ms. */
  readonly roundTripMs: number;
  readonly inFlight: number;
  readonly calls: number;
  readonly seed: number;
}

/** What was measured. Times are ms. */
export interface CellResult {
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  /** Datagrams sent, by either side and lost ones included, for each call. */
  readonly datagrams: number;
}

/**
 * How long either end takes to look at what has come. Without it a round trip of 0 would be no
 * time at all, and nothing could be told in units of it.
 */
export const SERVICE_MS = 0.025;

/** Calls before anything is counted: the round trip is known by then. */
const WARM_UP = 20;
const PAYLOAD = new Uint8Array(64);
/** No call is given up: in a long burst a lone caller's probes are far between. */
const PATIENCE_MS = 1e9;
/** In truesize: so large that no queue is ever full. Overruns have tests of their own. */
const RECEIVE_BUFFER = 4 << 20;

/** Runs one cell in virtual time: echo calls in a closed loop, `inFlight` at any time. */
export async function runCell(options: CellOptions): Promise<CellResult> {
  const { loss, burst, roundTripMs, inFlight, calls, seed } = options;
  const clock = new VirtualClock();
  const wayMs = roundTripMs / 2;
  const random = new SeededRandom(seed);
  const faults = { loss, delayMs: { min: wayMs, max: wayMs }, ...(burst && { burst }) };
  const network = new SimulatedNetwork({ clock, seed, faults });
  const endpoint = (address: number): ReturnType<typeof createEndpoint> => {
    const socket = { address, readDelayMs: SERVICE_MS, receiveBuffer: RECEIVE_BUFFER };
    const transport = network.open(socket);
    return createEndpoint({
      transport,
      clock,
      random: random.fork(`endpoint ${address}`),
      limits: { callTimeoutMs: PATIENCE_MS, silenceMs: PATIENCE_MS },
    });
  };
  const server = endpoint(100);
  server.serve(ID, { echo: (input) => input });
  const client = endpoint(200);
  const times: number[] = [];
  const story = async (): Promise<number> => {
    const connection = await client.connect(ID, { peer: 100 });
    for (let call = 0; call < WARM_UP; call++) await connection.call('echo', PAYLOAD);
    const before = network.stats().datagrams;
    let made = 0;
    const caller = async (): Promise<void> => {
      while (made < calls) {
        made += 1;
        const start = clock.now();
        await connection.call('echo', PAYLOAD);
        times.push(clock.now() - start);
      }
    };
    await Promise.all(Array.from({ length: inFlight }, caller));
    return network.stats().datagrams - before;
  };
  const datagrams = await clock.run(story(), PATIENCE_MS);
  client.destroy();
  server.destroy();
  times.sort((left, right) => left - right);
  const quantile = (share: number): number =>
    times[Math.min(times.length - 1, Math.floor(share * times.length))]!;
  return {
    p50: quantile(0.5),
    p99: quantile(0.99),
    p999: quantile(0.999),
    datagrams: datagrams / calls,
  };
}
