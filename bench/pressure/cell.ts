import { createEndpoint, SeededRandom, VirtualClock } from '../../index.ts';
import type { Endpoint, EndpointStats } from '../../index.ts';
import type { Burst } from '../../transport/faults.ts';
import type { Pressure } from '../../transport/simulated/memory.ts';
import { SimulatedNetwork, type SimulatedTransport } from '../../transport/simulated/network.ts';

/** What one cell of a table is measured with. */
export interface CellOptions {
  readonly loss?: number;
  readonly burst?: Burst;
  readonly memory?: Pressure;
  /** What every queue holds, truesize. By default so much that none is ever full. */
  readonly receiveBuffer?: number;
  /** How long the server reads nothing after each request; 0 by default. */
  readonly workMs?: number;
  /** The time on the wire, both ways together, ms. */
  readonly roundTripMs: number;
  readonly inFlight: number;
  readonly calls: number;
  readonly seed: number;
}

/** What was measured. Times are ms, and virtual. */
export interface CellResult {
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly callsPerSecond: number;
  /** Datagrams sent, by either side and lost ones included, for each call. */
  readonly datagrams: number;
  /** Requests and replies sent for each call: 2 where nothing is sent again. */
  readonly transmissions: number;
  /** The most that the server held of requests and replies not acknowledged. */
  readonly held: number;
  /** Datagrams that found a full queue on their arrival. */
  readonly overrun: number;
}

/**
 * How long either end takes to look at what has come. Without it a round trip of 0 would be no
 * time at all, and nothing could be told in units of it.
 */
export const SERVICE_MS = 0.025;

const ID = { idx: 20, val: 1 };
const SERVER = 100;
const CLIENT = 200;
/** Calls before anything is counted: the round trip is known by then. */
const WARM_UP = 20;
const PAYLOAD = new Uint8Array(64);
/** No call is given up: in a long burst a lone caller's probes are far between. */
const PATIENCE_MS = 1e9;
/** In truesize: never full. */
const AMPLE = 4 << 20;

/** Runs one cell in virtual time: echo calls in a closed loop, `inFlight` at any time. */
export async function runCell(options: CellOptions): Promise<CellResult> {
  const { inFlight, calls } = options;
  const { clock, network, client, server, held } = makeWorld(options);
  const times: number[] = [];
  const story = async (): Promise<Omit<CellResult, 'p50' | 'p99' | 'p999'>> => {
    const connection = await client.connect(ID, { peer: SERVER });
    for (let call = 0; call < WARM_UP; call++) await connection.call('echo', PAYLOAD);
    const before = sentBy([client.stats(), server.stats()]);
    const { datagrams, overrun } = network.stats();
    const began = clock.now();
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
    const after = network.stats();
    return {
      callsPerSecond: (calls * 1000) / (clock.now() - began),
      datagrams: (after.datagrams - datagrams) / calls,
      transmissions: (sentBy([client.stats(), server.stats()]) - before) / calls,
      held: held(),
      overrun: after.overrun - overrun,
    };
  };
  const counted = await clock.run(story(), PATIENCE_MS);
  client.destroy();
  server.destroy();
  times.sort((left, right) => left - right);
  const quantile = (share: number): number =>
    times[Math.min(times.length - 1, Math.floor(share * times.length))]!;
  return { p50: quantile(0.5), p99: quantile(0.99), p999: quantile(0.999), ...counted };
}

interface World {
  readonly clock: VirtualClock;
  readonly network: SimulatedNetwork;
  readonly client: Endpoint;
  readonly server: Endpoint;
  /** The most requests that the server has held so far. */
  readonly held: () => number;
}

function makeWorld(options: CellOptions): World {
  const { loss = 0, burst, memory = 'none', roundTripMs, seed } = options;
  const { receiveBuffer = AMPLE, workMs = 0 } = options;
  const clock = new VirtualClock();
  const wayMs = roundTripMs / 2;
  const random = new SeededRandom(seed);
  const faults = { loss, delayMs: { min: wayMs, max: wayMs }, ...(burst && { burst }) };
  const network = new SimulatedNetwork({ clock, seed, faults, memory });
  const open = (address: number): SimulatedTransport =>
    network.open({ address, readDelayMs: SERVICE_MS, receiveBuffer });
  const endpoint = (transport: SimulatedTransport): Endpoint =>
    createEndpoint({
      transport,
      clock,
      random: random.fork(`endpoint ${transport.address}`),
      limits: { callTimeoutMs: PATIENCE_MS, silenceMs: PATIENCE_MS },
    });
  const socket = open(SERVER);
  const server = endpoint(socket);
  let held = 0;
  let looksAt = 0;
  server.serve(ID, {
    echo: (input) => {
      if (workMs > 0) socket.stall(workMs);
      if (looksAt < clock.now()) {
        looksAt = clock.now(); // once for a batch, when all of it is there: a look costs 5 us
        queueMicrotask(() => (held = Math.max(held, server.stats().requestsHeld)));
      }
      return input;
    },
  });
  return { clock, network, client: endpoint(open(CLIENT)), server, held: () => held };
}

/** Requests and replies, each transmission counted. */
function sentBy(ends: readonly EndpointStats[]): number {
  return ends.reduce((sum, { requestsSent, repliesSent }) => sum + requestsSent + repliesSent, 0);
}
