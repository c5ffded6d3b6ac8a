import assert from 'node:assert/strict';
import { check, load, unload } from './harness.ts';
import { createEndpoint } from '../../../index.ts';
import { openNetlink } from '../../../transport/netlink/netlink.ts';

const KERNEL = 0;
const agent = { idx: 20, val: 1 };

await check('the module answers 10,000 requests', async () => {
  load('cnrpc_agent');
  const endpoint = createEndpoint({ transport: openNetlink({ protocol: 'connector' }) });
  for (let i = 0; i < 10_000; i++) {
    const reply = await endpoint.request(agent, KERNEL, Buffer.from(`hello ${i}`));
    assert.equal(Buffer.from(reply.payload).toString(), `hello ${i}`);
  }
  await endpoint.close();
  unload('cnrpc_agent');
});
