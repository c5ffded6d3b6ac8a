import assert from 'node:assert/strict';
import { callMany, counter, REPLY, setFaults, WINDOW, withAgent } from './agent.ts';
import { check, note } from './harness.ts';
import { createEndpoint } from '../../../index.ts';
import { openNetlink } from '../../../transport/netlink/netlink.ts';

const CALLS = 2_000;

await check(
  'what the kernel refused a full queue, it and we count alike, and is asked again',
  async () => {
    await withAgent([`window=${WINDOW}`], async () => {
      setFaults({ flood: 64, flood_chance: 500 });
      const transport = openNetlink({ protocol: 'connector', receiveBuffer: 10_000 });
      const endpoint = createEndpoint({ transport });
      const serials = await callMany(endpoint, CALLS, 64, { remembered: WINDOW, reply: REPLY });
      assert.equal(new Set(serials).size, CALLS);
      assert.equal(counter('executed'), CALLS);
      const refused = counter('not_delivered');
      note(`refused ${refused}, answered again ${counter('answered_again')}`);
      assert.equal(transport.drops, refused);
      assert.equal(endpoint.stats().overrun, refused);
      // Each flood fills the queue: the answer behind it is lost. Every second call, to begin with.
      assert.ok(counter('answered_again') > CALLS / 4);
      await endpoint.close();
    });
  },
);
