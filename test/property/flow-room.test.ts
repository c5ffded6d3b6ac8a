import test from 'ava';
import fc from 'fast-check';
import { FlowRoom, type FlowShare, type Holder } from '../../sessions/flow-room.ts';

const MAX = 1_000;

/** What one call holds; told to give it up, it does. */
class Flow implements Holder {
  held = 0;
  readonly #share: FlowShare;

  constructor(share: FlowShare) {
    this.#share = share;
  }

  giveUp(): void {
    this.add(-this.held);
  }

  add(change: number): void {
    this.held += change;
    this.#share.hold(this, change, this.held > 0);
  }
}

/** Flows that grow, and now and then one whose values are taken. */
const steps = fc.array(
  fc.record({
    session: fc.nat(7),
    flow: fc.nat(3),
    bytes: fc.integer({ min: 1, max: 400 }),
    taken: fc.boolean(),
  }),
  { maxLength: 120 },
);

test('all that is held fits, and who holds its equal part or less is not refused (P9.8)', (t) => {
  fc.assert(
    fc.property(steps, (story) => {
      const room = new FlowRoom(MAX);
      const sessions = Array.from({ length: 8 }, () => {
        const share = room.share();
        return { share, flows: Array.from({ length: 4 }, () => new Flow(share)) };
      });
      for (const { session, flow, bytes, taken } of story) {
        const { share, flows } = sessions[session]!;
        const current = flows[flow]!;
        if (taken) current.giveUp();
        const others = sessions.filter((each) => each.share !== share);
        const before = others.map((each) => each.share.cost);
        current.add(bytes);
        const [part, own] = [room.equalPart, share.cost];
        const fitted = share.makeRoom();
        if (!fitted) {
          if (own <= part) throw new Error(`${own} refused, with a part of ${part}`);
          current.giveUp();
        }
        if (room.cost > MAX) throw new Error(`${room.cost} held`);
        others.forEach((each, index) => {
          if (each.share.cost === before[index]) return;
          if (own > part) throw new Error(`one gave way for ${own}, more than a part`);
          if (before[index]! <= part) throw new Error('one with its part or less gave way');
        });
        const held = sessions.flatMap((each) => each.flows.map((each) => each.held));
        const sum = held.reduce((total, each) => total + each, 0);
        if (sum !== room.cost) throw new Error(`${room.cost} counted of ${sum}`);
      }
    }),
  );
  t.pass();
});

test('what was held longest goes first, and no more than is needed (P9.8)', (t) => {
  const room = new FlowRoom(MAX);
  const [hoarder, modest] = [room.share(), room.share()];
  const flows = Array.from({ length: 9 }, () => new Flow(hoarder));
  for (const flow of flows) flow.add(110);
  flows[0]!.giveUp();
  flows[0]!.add(110); // its first value was taken
  new Flow(modest).add(150);
  t.true(modest.makeRoom());
  t.deepEqual(
    flows.map(({ held }) => held > 0),
    [true, false, false, false, ...Array(5).fill(true)],
  );
});
