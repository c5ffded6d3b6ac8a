/** The same call over a network that loses every fifth datagram, in virtual time. */
import { createEndpoint, SeededRandom, VirtualClock } from 'connector-rpc';
import { SimulatedNetwork } from 'connector-rpc/transport/simulated';

const id = { idx: 20, val: 1 };
const seed = Number(process.argv[2] ?? 1);
const clock = new VirtualClock();
const faults = { loss: 0.2, duplicate: 0.1, delayMs: { min: 0.5, max: 2 } };
const network = new SimulatedNetwork({ clock, seed, faults });
const random = new SeededRandom(seed);

async function story(): Promise<void> {
  const server = createEndpoint({
    transport: network.open({ address: 1 }),
    clock,
    random: random.fork('server'),
  });
  let executions = 0;
  server.serve(id, { count: () => (executions += 1) });
  const client = createEndpoint({
    transport: network.open(),
    clock,
    random: random.fork('client'),
  });
  const connection = await client.connect(id, { peer: 1 });
  for (let call = 0; call < 100; call++) await connection.call('count');
  const { lost, duplicated } = network.stats();
  console.log(`seed ${seed}: 100 calls, ${executions} executions,`);
  console.log(
    `${lost} datagrams lost, ${duplicated} doubled, ${clock.now().toFixed(1)} virtual ms`,
  );
  await client.close();
  await server.close();
}

await clock.run(story());
