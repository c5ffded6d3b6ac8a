import assert from 'node:assert/strict';
import {
  callMany,
  counter,
  GROUP,
  REPLY,
  setFaults,
  WINDOW,
  withAgent,
  withEndpoint,
  type Faults,
} from './agent.ts';
import { check, note } from './harness.ts';
import type { NetlinkOptions } from '../../../transport/netlink/netlink.ts';

// 10,000 calls to the module under each fault: nothing lost and, with its memory, nothing executed
// twice, by its own counters.

const CALLS = 10_000;
const IN_FLIGHT = 64;
/** A tenth of the default: what is not read at once overruns it. */
const SMALL = { receiveBuffer: 10_000 };
const HOLD_MS = 20;

interface Case {
  readonly faults: Faults;
  readonly socket?: NetlinkOptions;
  /** The counters that show that there was a fault at all. */
  readonly seen?: readonly string[];
  /** Withhold all answers every other `HOLD_MS`. */
  readonly hold?: boolean;
}

const everything: Case = {
  faults: {
    ...{ drop_request: 50, drop_reply: 50, duplicate: 100, delay_ms: 4, reorder: 1 },
    ...{ flood: 64, flood_chance: 20, multicast: 1 },
  },
  socket: { ...SMALL, groups: [GROUP] },
  seen: ['dropped', 'duplicated', 'delayed', 'flooded', 'answered_again'],
};

const cases: Readonly<Record<string, Case>> = {
  'no fault': { faults: {} },
  'every fifth request lost': { faults: { drop_request: 200 }, seen: ['dropped'] },
  'every fifth answer lost': { faults: { drop_reply: 200 }, seen: ['dropped', 'answered_again'] },
  'every second answer doubled': { faults: { duplicate: 500 }, seen: ['duplicated'] },
  'answers delayed': { faults: { delay_ms: 4 }, seen: ['delayed'] },
  'answers in random order': { faults: { delay_ms: 4, reorder: 1 }, seen: ['delayed'] },
  'answers withheld': { faults: {}, hold: true, seen: ['delayed'] },
  'floods into a small queue': {
    faults: { flood: 64, flood_chance: 100 },
    socket: SMALL,
    seen: ['flooded', 'not_delivered', 'answered_again'],
  },
  'multicast answers': { faults: { multicast: 1 }, socket: { groups: [GROUP] } },
  'everything together': everything,
};

/** Switches the withholding on and off until told to end. */
function holdNowAndThen(): () => void {
  let hold = 0;
  const timer = setInterval(() => setFaults({ hold: (hold ^= 1) }), HOLD_MS);
  return () => {
    clearInterval(timer);
    setFaults({ hold: 0 });
  };
}

for (const [name, { faults, socket = {}, seen = [], hold = false }] of Object.entries(cases)) {
  await check(`10,000 calls, ${name}: each answered, each executed once`, async () => {
    await withAgent([`window=${WINDOW}`], async () => {
      setFaults(faults);
      const release = hold ? holdNowAndThen() : () => {};
      const serials = await withEndpoint(socket, (endpoint) =>
        callMany(endpoint, CALLS, IN_FLIGHT, { remembered: WINDOW, reply: REPLY }),
      );
      release();
      assert.equal(serials.length, CALLS);
      assert.equal(new Set(serials).size, CALLS, 'no two answers are of one execution');
      assert.equal(counter('executed'), CALLS);
      const counts = ['dropped', 'answered_again', 'refused', 'not_delivered', 'no_memory'];
      note(counts.map((each) => `${each} ${counter(each)}`).join(', '));
      for (const each of seen) assert.ok(counter(each) > 0, `${each} is 0`);
    });
  });
}

await check('10,000 idempotent calls, everything together, to an agent that forgets', async () => {
  await withAgent(['memory=0'], async () => {
    const { faults, socket = {} } = everything;
    setFaults(faults);
    const serials = await withEndpoint(socket, (endpoint) =>
      callMany(endpoint, CALLS, IN_FLIGHT, { idempotent: true, reply: REPLY }),
    );
    assert.equal(serials.length, CALLS);
    note(`executed ${counter('executed')}`);
    assert.ok(counter('executed') > CALLS, 'without a memory some were executed again');
    assert.equal(counter('answered_again'), 0);
  });
});
