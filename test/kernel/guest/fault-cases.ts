import assert from 'node:assert/strict';
import {
  callMany,
  counter,
  GROUP,
  REPLY,
  setFaults,
  WINDOW,
  withEndpoint,
  type Faults,
} from './agent.ts';
import { note } from './harness.ts';
import type { NetlinkOptions } from '../../../transport/netlink/netlink.ts';

/** Calls under each fault. */
export const CALLS = 10_000;
const IN_FLIGHT = 64;
/** A tenth of the default: what is not read at once overruns it. */
const SMALL = { receiveBuffer: 10_000 };
const HOLD_MS = 20;

/** What the module does to the calls. */
export interface Case {
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

/** The faults, each by itself and all together. */
export const cases: Readonly<Record<string, Case>> = {
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

/** Makes the calls; gives the serial numbers of the executions that were answered. */
export async function play(
  { faults, socket = {}, hold = false }: Case,
  forgets: boolean,
): Promise<bigint[]> {
  setFaults(faults);
  const release = hold ? holdNowAndThen() : () => {};
  const manner = forgets ? { idempotent: true } : { remembered: WINDOW };
  const serials = await withEndpoint(socket, (endpoint) =>
    callMany(endpoint, CALLS, IN_FLIGHT, { ...manner, reply: REPLY }),
  );
  release();
  assert.equal(serials.length, CALLS);
  const counts = ['executed', 'dropped', 'answered_again', 'refused', 'not_delivered', 'no_memory'];
  note(counts.map((each) => `${each} ${counter(each)}`).join(', '));
  return serials;
}
