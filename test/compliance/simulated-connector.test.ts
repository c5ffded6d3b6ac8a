import test from 'ava';
import { VirtualClock } from '../../core/virtual-clock.ts';
import {
  openSimulatedNetlink,
  SimulatedKernel,
} from '../../transport/simulated/connector/kernel.ts';
import type { SimulatedNetlinkOptions } from '../../transport/simulated/connector/kernel.ts';
import { compliance } from './transport.ts';
import type { Bench, Supports } from './transport.ts';

const everything: Supports = { addresses: true, groups: true, smallQueues: true };

/** Processes of a simulated kernel that talk over NETLINK_USERSOCK. */
function bench(options: SimulatedNetlinkOptions = {}): () => Bench {
  return () => {
    const clock = new VirtualClock();
    const kernel = new SimulatedKernel({ clock });
    const open: Bench['open'] = ({ address, small } = {}) =>
      openSimulatedNetlink(kernel.process(), {
        ...options,
        protocol: 'usersock',
        ...(address === undefined ? {} : { portid: address }),
        ...(small === true ? { receiveBuffer: 1 } : {}),
      });
    return { open, settle: () => clock.advance(100), dispose: () => {} };
  };
}

compliance(test, 'in a simulated kernel', everything, bench());
compliance(test, 'in a simulated kernel, read late', everything, bench({ readDelayMs: 3 }));
compliance(test, 'in one without NO_ENOBUFS', everything, bench({ noEnobufs: false }));
