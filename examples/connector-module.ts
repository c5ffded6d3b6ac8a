/**
 * The 2005 text's own example, cn_test.c: a kernel module that sends a message each second, and
 * someone who asked to be told when it comes and goes. On a simulated kernel, in virtual time.
 */
import { createEndpoint, sleep, SeededRandom, VirtualClock } from 'connector-rpc';
import { openSimulatedNetlink, SimulatedKernel } from 'connector-rpc/transport/simulated/connector';

const id = { idx: 14, val: 0x456 }; // { CN_NETLINK_USERS + 3, 0x456 }
const group = 14; // the connector gives an agent the group of its idx
const connector = { idx: 0xffffffff, val: 0xffffffff }; // {-1, -1}: the connector itself
const clock = new VirtualClock();
const kernel = new SimulatedKernel({ clock, release: 'text' });

/** The module: registers, sends what it counts each second to its own group, unregisters. */
async function module(seconds: number): Promise<void> {
  kernel.connector.cn_add_callback(id, 'cn_test', ({ seq, ack, len }) => {
    console.log(`  module: seq=${seq} ack=${ack === 0 ? 0 : 'random'} len=${len}`);
  });
  for (let counter = 0; counter < seconds; counter++) {
    await sleep(clock, 1000);
    const data = new TextEncoder().encode(`counter = ${counter}\0`);
    const message = { id, seq: counter, ack: 0, data };
    // Group 0: the connector finds the group by the id.
    const result = kernel.connector.cn_netlink_send(message, 0, 0, 'GFP_ATOMIC');
    if (result < 0) console.log(`  module: nobody listens (${result})`);
  }
  kernel.connector.cn_del_callback(id);
}

/** struct cn_ctl_msg: one range of idx, two of val, and the group to be told in. */
const wanted = new Uint32Array([1, 2, group, 24, id.idx, 10, id.val, 10, id.val + 20, 10]);
const request = new Uint8Array(wanted.buffer);

async function story(): Promise<void> {
  const transport = openSimulatedNetlink(kernel.process(), { groups: [group] });
  const endpoint = createEndpoint({ transport, clock, random: new SeededRandom(1) });
  endpoint.on(id, ({ seq, ack, payload }) => {
    const seconds = Math.floor(clock.now() / 1000);
    const text = new TextDecoder().decode(payload).replace('\0', '');
    // A notification is a message of the id itself, empty: ack 0 is "on", 1 is "off".
    const what = payload.length === 0 ? `cn_test is ${ack === 0 ? 'on' : 'off'}` : text;
    console.log(`${seconds} s: seq ${seq}: ${what}`);
  });
  const silent = { timeoutMs: 100 }; // neither request is answered
  await endpoint.request(connector, 0, request, silent).catch(() => {});
  const loaded = module(3);
  await endpoint.request(id, 0, new Uint8Array(0), silent).catch(() => {});
  await loaded;
  await sleep(clock, 100);
  await endpoint.close();
}

await clock.run(story());
