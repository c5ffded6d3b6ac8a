import type { Client, Place } from './contestant.ts';
import { load } from './library.ts';
import { encodeOperation, IGNORE, LISTEN, PROC_ID } from '../../agents/proc/wire.ts';
import { LITTLE_ENDIAN, Slab } from '../../core/slab.ts';
import { matchRules } from '../../reliability/match.ts';
import type { Endpoint } from '../../sessions/endpoint.ts';
import type { NetlinkTransport } from '../../transport/netlink/netlink.ts';

const GROUP = 1;
const KERNEL = 0;
const options = { rule: matchRules.proc, timeoutMs: 5_000, idempotent: true };

/** The other side is the kernel. */
export function serve(_place: Place): Promise<void> {
  return Promise.resolve();
}

/**
 * Asks the kernel's cn_proc as `cnrpc kernel ping` does: each LISTEN is answered. Answers go to all
 * that listen, so nobody may while others are measured: a socket lives for one measurement.
 */
export async function connect(place: Place): Promise<Client> {
  const { createEndpoint, openNetlink } = await load(place);
  const listen = new Slab(4);
  listen.view.setUint32(0, LISTEN, LITTLE_ENDIAN);
  let transport: NetlinkTransport;
  let endpoint: Endpoint;
  return {
    begin: () => {
      transport = openNetlink({ protocol: 'connector', groups: [GROUP] });
      endpoint = createEndpoint({ transport });
      return Promise.resolve();
    },
    echo: () => endpoint.request(PROC_ID, KERNEL, listen.bytes, options),
    end: async () => {
      // Or the kernel goes on making events for nobody (KF §7.4). One does: the benchmark needs
      // Linux 6.6 as its users do, and there a second LISTEN of one socket does not count.
      const slab = new Slab(encodeOperation({ operation: IGNORE, mask: undefined, ack: 0 }));
      transport.send(slab, 0, slab.bytes.length, KERNEL);
      await endpoint.close();
    },
  };
}
