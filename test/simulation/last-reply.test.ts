import test from 'ava';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createEndpoint, SeededRandom, VirtualClock, type Endpoint } from '../../index.ts';
import { SimulatedNetwork } from '../../transport/simulated/network.ts';

const ID = { idx: 20, val: 1 };

test('the reply of the last call is not kept when nobody wants it any more', async (t) => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const clock = new VirtualClock();
  const network = new SimulatedNetwork({ clock });
  const open = (address: number): Endpoint =>
    createEndpoint({
      transport: network.open({ address }),
      clock,
      random: new SeededRandom(address),
    });
  const [client, server] = [open(200), open(100)];
  server.serve(ID, { list: () => [1, 2, 3] });
  const connection = await clock.run(client.connect(ID, { peer: 100 }));
  const called = async (): Promise<WeakRef<object>> =>
    new WeakRef((await clock.run(connection.call('list', null))) as object);
  const reply = await called();
  await clock.advance(1_000);
  collect();
  t.is(reply.deref(), undefined);
  await clock.run(Promise.all([client.close(), server.close()]));
});
