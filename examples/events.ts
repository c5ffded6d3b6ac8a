/** Events over a network that loses every tenth datagram: what is missing is said, exactly. */
import { createEndpoint, SeededRandom, VirtualClock } from 'connector-rpc';
import { SimulatedNetwork } from 'connector-rpc/transport/simulated';

const id = { idx: 7, val: 1 }; // events go to the multicast group idx
const seed = Number(process.argv[2] ?? 1);
const clock = new VirtualClock();
const faults = { loss: 0.1, duplicate: 0.1, delayMs: { min: 0.5, max: 2 } };
const network = new SimulatedNetwork({ clock, seed, faults });
const random = new SeededRandom(seed);

function endpoint(name: string): ReturnType<typeof createEndpoint> {
  return createEndpoint({ transport: network.open(), clock, random: random.fork(name) });
}

async function story(): Promise<void> {
  const publisherEnd = endpoint('publisher');
  const subscriberEnd = endpoint('subscriber');
  const subscription = subscriberEnd.subscribe(id);
  const publisher = publisherEnd.publisher(id);
  for (let count = 1; count <= 100; count++) await publisher.publish('count', { count });

  let [received, missed, gaps] = [0, 0, 0];
  for await (const item of subscription) {
    if (item.kind === 'event') received += 1;
    else if (item.missed === 'unknown') break; // the publisher is gone, and its end not known
    else [missed, gaps] = [missed + item.missed, gaps + 1];
    if (received + missed === 100) break;
  }
  console.log(`seed ${seed}: 100 events, ${received} received, ${missed} missed in ${gaps} gaps`);
  await subscriberEnd.close();
  await publisherEnd.close();
}

await clock.run(story());
