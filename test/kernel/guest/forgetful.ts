import assert from 'node:assert/strict';
import { counter, withAgent } from './agent.ts';
import { CALLS, cases, play } from './fault-cases.ts';
import { check } from './harness.ts';

// 10,000 idempotent calls under each fault to the module without its memory, as the agents are that
// real kernels have: nothing is lost. What it would have answered again it executes again.

for (const [name, story] of Object.entries(cases)) {
  await check(`10,000 idempotent calls, ${name}: each answered`, async () => {
    await withAgent(['memory=0'], async () => {
      await play(story, true);
      assert.equal(counter('answered_again'), 0);
      const again = story.seen?.includes('answered_again') === true;
      assert.ok(counter('executed') >= CALLS + (again ? 1 : 0), 'none went unexecuted');
    });
  });
}
