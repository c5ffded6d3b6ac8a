import test from 'ava';
import { Lane } from '../../../reliability/lane.ts';
import { Flow, type FlowLink } from '../../../sessions/flow.ts';
import { Refusals } from '../../../sessions/refusals.ts';

// A count that starts at minus 0 stays so only if minus 0 is added to it. That must not happen: it
// is a double to V8, the counts of an endpoint would be doubles from then on, and the code compiled
// for small integers would be thrown away.

test('a session without refusals that ends leaves the count of all a small integer', (t) => {
  const resources = { refusalsHeld: -0 };
  new Refusals({ resources } as FlowLink, t.fail).end();
  t.is(resources.refusalsHeld, 0);
});

test('a flow that held nothing leaves what all hold a small integer', (t) => {
  const changes: number[] = [];
  const link = {
    resources: { limits: { creditMax: 4096, valueMax: 4096 } },
    granted: { out: 4096, in: 4096 },
    pieceMax: 1024,
    held: { hold: (_holder: unknown, change: number) => changes.push(change) },
  };
  new Flow(link as unknown as FlowLink, { seq: 1, ack: 1 }).deafen();
  t.deepEqual(changes, [0]);
});

test('a channel with no gap to close has none fewer', (t) => {
  const lane = new Lane<string>(0, 64);
  lane.put(0, 'first');
  t.is(lane.closeGaps(), 0);
  lane.put(2, 'third');
  t.is(lane.closeGaps(), 0);
});
