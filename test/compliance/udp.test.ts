import test from 'ava';
import { SeededRandom } from '../../core/random.ts';
import { SystemClock } from '../../core/system-clock.ts';
import { faulty } from '../../transport/faulty.ts';
import type { Transport } from '../../transport/transport.ts';
import { openUdp, portOf } from '../../transport/udp/udp.ts';
import type { UdpOptions } from '../../transport/udp/udp.ts';
import { Fence } from './fence.ts';
import { compliance } from './transport.ts';
import type { Bench, Supports } from './transport.ts';

/** Losses at a full queue are silent: `reportsOverrun` is false, and the kernel says no `busy`. */
const supports: Supports = { addresses: true, groups: true, smallQueues: false };

/** A port that nobody has: groups are the whole machine's, and other runs use the default. */
const free = await openUdp();
const groupPort = free.port;
free.close();

async function bench(
  options: UdpOptions,
  wrap: (transport: Transport) => Transport = (transport) => transport,
): Promise<Bench> {
  const fence = await Fence.open();
  const opened: Transport[] = [];
  return {
    open: async ({ address } = {}) => {
      const port = address === undefined ? 0 : portOf(address);
      const transport = wrap(await openUdp({ ...options, port, groupPort }));
      opened.push(transport);
      return transport;
    },
    settle: () => fence.pass(),
    dispose: () => {
      for (const transport of opened) transport.close();
      fence.close();
    },
  };
}

compliance(test.serial, 'udp', supports, () => bench({}));
compliance(test.serial, 'udp at another address of the loopback', supports, () =>
  bench({ host: '127.9.8.7' }),
);
const clock = new SystemClock();
const random = new SeededRandom(1);
compliance(test.serial, 'faulty without faults over udp', supports, () =>
  bench({}, (transport) => faulty(transport, { clock, random })),
);
