import test from 'ava';
import { SeededRandom } from '../../core/random.ts';
import { VirtualClock } from '../../core/virtual-clock.ts';
import { faulty } from '../../transport/faulty.ts';
import type { Faults } from '../../transport/faults.ts';
import { SimulatedNetwork } from '../../transport/simulated/network.ts';
import type { OpenOptions } from '../../transport/simulated/network.ts';
import type { Transport } from '../../transport/transport.ts';
import { compliance } from './transport.ts';
import type { Bench, Supports } from './transport.ts';

const everything: Supports = { addresses: true, groups: true, smallQueues: true };

interface Setting {
  readonly faults?: Faults;
  readonly socket?: OpenOptions;
  readonly wrap?: (transport: Transport, clock: VirtualClock, random: SeededRandom) => Transport;
}

function bench({ faults = {}, socket = {}, wrap }: Setting): () => Bench {
  return () => {
    const clock = new VirtualClock();
    const random = new SeededRandom(1);
    const network = new SimulatedNetwork({ clock, random, faults });
    const open: Bench['open'] = ({ address, small } = {}) => {
      const transport = network.open({
        ...socket,
        ...(address === undefined ? {} : { address }),
        ...(small === true ? { receiveBuffer: 2304 } : {}),
      });
      return wrap === undefined ? transport : wrap(transport, clock, random);
    };
    return { open, settle: () => clock.advance(100), dispose: () => {} };
  };
}

const constant: Faults = { delayMs: { min: 2, max: 2 } };
const jittery: Faults = { delayMs: { min: 0, max: 9 } };

compliance(test, 'on one machine', everything, bench({}));
compliance(test, 'on one machine, read late', everything, bench({ socket: { readDelayMs: 3 } }));
compliance(test, 'without NO_ENOBUFS', everything, bench({ socket: { noEnobufs: false } }));
compliance(test, 'over a network', everything, bench({ faults: constant }));
// Read late, or the queue that a case wants full would be read between two arrivals.
compliance(
  test,
  'over an uneven network',
  everything,
  bench({ faults: jittery, socket: { readDelayMs: 20 } }),
);
compliance(
  test,
  'faulty without faults',
  everything,
  bench({ wrap: (transport, clock, random) => faulty(transport, { clock, random }) }),
);
compliance(
  test,
  'faulty with delay',
  { ...everything, smallQueues: false }, // what it is late with and then cannot send is lost
  bench({
    wrap: (transport, clock, random) => faulty(transport, { clock, random, faults: jittery }),
  }),
);
