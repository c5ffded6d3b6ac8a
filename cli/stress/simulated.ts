import { Caller } from './caller.ts';
import { sum, trafficOf, type Findings } from './findings.ts';
import { Ledger } from './ledger.ts';
import { faultsOf, quotaOf, randomOf, STRESS_ID, type Plan } from './plan.ts';
import { addTallies } from './tally.ts';
import { interruptible, PROGRESS_MS, type Watch } from './watch.ts';
import { defaultLimits } from '../../core/limits.ts';
import { VirtualClock } from '../../core/virtual-clock.ts';
import { createEndpoint, type Endpoint } from '../../sessions/endpoint.ts';
import { SimulatedNetwork } from '../../transport/simulated/network.ts';
import type { Peer } from '../../transport/transport.ts';

const SERVER: Peer = 1;
const FIRST_CLIENT: Peer = 2;
/** SO_RCVBUF is doubled, and made at least this (KF §6.1). */
const BUFFER_MIN = 2304;

/** Runs server and clients on one simulated network in virtual time: the seed decides all. */
export async function runSimulated(plan: Plan, watch: Watch): Promise<Findings> {
  const clock = new VirtualClock();
  const network = new SimulatedNetwork({
    clock,
    random: randomOf(plan, 'network'),
    faults: faultsOf(plan),
    memory: plan.memory,
  });
  const { receiveBuffer } = plan;
  const buffer = receiveBuffer === undefined
    ? {}
    : { receiveBuffer: Math.max(2 * receiveBuffer, BUFFER_MIN) };
  const open = (address: Peer): Endpoint => createEndpoint({
    transport: network.open({ address, ...buffer }),
    clock,
    random: randomOf(plan, `endpoint ${address}`),
  });
  const ledger = new Ledger(plan);
  const server = open(SERVER);
  server.serve(STRESS_ID, { echo: ledger.execute });
  const endpoints = [server];
  const callers: Caller[] = [];
  for (let client = 0; client < plan.clients; client++) {
    const endpoint = open(FIRST_CLIENT + client);
    endpoints.push(endpoint);
    callers.push(new Caller({ plan, client, endpoint, clock }));
  }
  const beganWall = performance.now();
  const began = clock.now();
  const ticker = setInterval(() => {
    watch.progress(callers.reduce((started, caller) => started + caller.started, 0));
  }, PROGRESS_MS);
  try {
    const play = (): Promise<void> => clock.run(run(callers, endpoints), limitMs(plan));
    await interruptible(play, watch.interruption, () => {
      for (const caller of callers) caller.stop();
      for (const endpoint of endpoints) endpoint.destroy();
    });
  } finally {
    clearInterval(ticker);
  }
  const { lost, duplicated, reordered, corrupted, overrun, noMemory, noMemorySend } =
    network.stats();
  return {
    tally: addTallies(callers.map((caller) => caller.tally)),
    executions: ledger.executions,
    traffic: sum(endpoints.map((endpoint) => trafficOf(endpoint.stats()))),
    trouble: {
      lost, duplicated, reordered, corrupted, overrun, noMemory: noMemory + noMemorySend,
    },
    wallMs: performance.now() - beganWall,
    virtualMs: clock.now() - began,
  };
}

async function run(callers: readonly Caller[], endpoints: readonly Endpoint[]): Promise<void> {
  await Promise.all(callers.map(async (caller) => {
    await caller.connect(SERVER);
    await caller.call();
  }));
  for (const endpoint of [...endpoints].reverse()) await endpoint.close();
}

/** A run cannot take longer than if every call took all of its time. */
function limitMs(plan: Plan): number {
  const rounds = Math.ceil(quotaOf(plan, 0) / plan.inFlight);
  return (rounds + 10) * defaultLimits.callTimeoutMs;
}
