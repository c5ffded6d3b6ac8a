import assert from 'node:assert/strict';
import { counter, WINDOW, withAgent } from './agent.ts';
import { CALLS, cases, play } from './fault-cases.ts';
import { check } from './harness.ts';

// 10,000 calls to the module under each fault, with its memory: nothing is lost and nothing
// executed twice, by its own counters.

for (const [name, story] of Object.entries(cases)) {
  await check(`10,000 calls, ${name}: each answered, each executed once`, async () => {
    await withAgent([`window=${WINDOW}`], async () => {
      const serials = await play(story, false);
      assert.equal(new Set(serials).size, CALLS, 'no two answers are of one execution');
      assert.equal(counter('executed'), CALLS);
      for (const each of story.seen ?? []) assert.ok(counter(each) > 0, `${each} is 0`);
    });
  });
}
