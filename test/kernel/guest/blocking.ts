import assert from 'node:assert/strict';
import { callMany, counter, REPLY, setFaults, withAgent, withEndpoint } from './agent.ts';
import { check, load, unload } from './harness.ts';
import type { MatchRule } from '../../../index.ts';

// Agents that answer by a unicast that waits for room: into a full queue it would hang for ever,
// in our send or with a lock that our send needs (semantics 25). A hang fails by the time limit.

await check('blocking answers inside of our sends, into the smallest queue', async () => {
  await withAgent(['memory=0'], async () => {
    setFaults({ blocking: 1 });
    const serials = await withEndpoint({ receiveBuffer: 1 }, (endpoint) =>
      callMany(endpoint, 1_000, 100, { reply: REPLY }),
    );
    assert.equal(serials.length, 1_000);
    assert.equal(counter('not_delivered'), 0);
  });
});

await check(
  'blocking answers later, under a lock that requests need: 1,000 in flight',
  async () => {
    await withAgent(['memory=0'], async () => {
      setFaults({ blocking: 1, serial: 1, delay_ms: 1 });
      const serials = await withEndpoint({}, (endpoint) =>
        callMany(endpoint, 10_000, 1_000, { reply: REPLY }),
      );
      assert.equal(serials.length, 10_000);
      assert.equal(counter('executed'), 10_000);
    });
  },
);

await check(
  '1,000 LIST_MASTERS of w1 at once, where the 277th unread one blocks for ever',
  async () => {
    load('wire');
    const listMasters = Buffer.alloc(12);
    listMasters[0] = 6;
    // Data only, with ack = seq + 1 (kernel-facts §3.1).
    const rule: MatchRule = (asked, { seq, ack }) =>
      seq === asked.seq && ack === (asked.seq + 1) >>> 0 ? 'final' : 'no';
    await withEndpoint({}, async (endpoint) => {
      const ask = async (): Promise<void> => {
        const { payload } = await endpoint.request({ idx: 3, val: 1 }, 0, listMasters, { rule });
        assert.equal(payload[0], 6);
      };
      await Promise.all(Array.from({ length: 1_000 }, ask));
    });
    unload('wire');
  },
);
