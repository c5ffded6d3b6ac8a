import { Scripted } from './scripted.ts';
import { createEndpoint, SeededRandom, VirtualClock } from '../../index.ts';
import type { Endpoint, Limits } from '../../index.ts';
import { SimulatedNetwork } from '../../transport/simulated/network.ts';

/** How long either end takes to look at what has come. */
export const SERVICE_MS = 0.025;
/** In truesize: never full. */
const AMPLE = 4 << 20;

/** A client at 200 and a server at 100 on an even link, and what each of them sends. */
export interface Pair {
  readonly clock: VirtualClock;
  readonly network: SimulatedNetwork;
  readonly client: Endpoint;
  readonly server: Endpoint;
  readonly toServer: Scripted;
  readonly toClient: Scripted;
}

export interface PairOptions {
  readonly roundTripMs: number;
  /** Truesize. */
  readonly serverBuffer?: number;
  /** False: the link promises no order, although it keeps it. */
  readonly fifo?: boolean;
  readonly limits?: Partial<Limits>;
}

/** Opens both endpoints; what the server serves is left to the story. */
export function openPair(options: PairOptions): Pair {
  const { roundTripMs, serverBuffer = AMPLE, fifo = true, limits = {} } = options;
  const clock = new VirtualClock();
  const wayMs = roundTripMs / 2;
  const faults = { delayMs: { min: wayMs, max: wayMs } };
  const traits = fifo ? {} : ({ fifo: false } as const);
  const network = new SimulatedNetwork({ clock, faults, traits });
  const open = (address: number, receiveBuffer: number): Scripted => {
    const socket = { address, readDelayMs: SERVICE_MS, receiveBuffer };
    return new Scripted(network.open(socket), () => clock.now());
  };
  const endpoint = (transport: Scripted): Endpoint =>
    createEndpoint({ transport, clock, random: new SeededRandom(transport.address), limits });
  const toServer = open(200, AMPLE);
  const toClient = open(100, serverBuffer);
  const [client, server] = [endpoint(toServer), endpoint(toClient)];
  return { clock, network, client, server, toServer, toClient };
}

/** Whether a datagram carries a message of a kind. */
export function carries(kind: number): (posted: { readonly kinds: readonly number[] }) => boolean {
  return ({ kinds }) => kinds.includes(kind);
}
