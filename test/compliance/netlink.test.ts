import test from 'ava';
import { isConnectorError } from '../../core/errors.ts';
import { SeededRandom } from '../../core/random.ts';
import { SystemClock } from '../../core/system-clock.ts';
import { faulty } from '../../transport/faulty.ts';
import { openNetlink } from '../../transport/netlink/netlink.ts';
import type { Transport } from '../../transport/transport.ts';
import { compliance } from './transport.ts';
import type { Bench } from './transport.ts';

/** Why something cannot be tried on this machine; undefined where it can. */
function obstacle(attempt: () => void): string | undefined {
  try {
    attempt();
    return undefined;
  } catch (error) {
    if (isConnectorError(error, 'unavailable', 'refused')) return error.message;
    throw error;
  }
}

const noSocket = obstacle(() => openNetlink().close());
const noGroups = noSocket ?? obstacle(() => openNetlink({ groups: [5] }).close());

/** The kernel delivers inside the send; what is left is for the event loop to come round to it. */
async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function bench(wrap: (transport: Transport) => Transport): Bench {
  const opened: Transport[] = [];
  return {
    open: ({ address = 0, small = false } = {}) => {
      const options = { portid: address, ...(small ? { receiveBuffer: 1152 } : {}) };
      const transport = wrap(openNetlink(options));
      opened.push(transport);
      return transport;
    },
    settle: () => turns(20),
    dispose: () => {
      for (const transport of opened) transport.close();
    },
  };
}

if (noSocket !== undefined) {
  test('netlink is not tried here', (t) => {
    t.log(noSocket);
    t.pass();
  });
} else {
  if (noGroups !== undefined) {
    test('netlink groups are not tried here', (t) => {
      t.log(noGroups);
      t.pass();
    });
  }
  const supports = { addresses: true, groups: noGroups === undefined, smallQueues: true };
  // One after the other: groups are the whole machine's.
  compliance(test.serial, 'netlink', supports, () => bench((transport) => transport));
  const clock = new SystemClock();
  const random = new SeededRandom(1);
  compliance(test.serial, 'faulty without faults over netlink', supports, () =>
    bench((transport) => faulty(transport, { clock, random })),
  );
}
