import type { Scenario } from '../scenario.ts';
import { afterwards, machineFacts, type MachineFacts } from './machine.ts';
import { heading, tell } from '../results.ts';
import { formatParts, formatShares, objectsOf, weigh, type Share, type Sides } from './weigh.ts';

const SESSIONS = 100_000;
const BRIEF_SESSIONS = 20_000;
const GOAL = 1_024;
const MODULE = 'library-sessions';

/** What `sessions` finds. */
interface SessionsResult {
  readonly machine: MachineFacts;
  readonly sessions: number;
  readonly bytes: Sides<Share>;
}

/** Memory of sessions in which nothing happens. */
export const sessions: Scenario = {
  name: 'sessions',
  seconds: 45,
  run: async (options, { print }) => {
    const before = machineFacts();
    const count = options.count ?? (options.brief ? BRIEF_SESSIONS : SESSIONS);
    const bytes = await weigh(MODULE, count);
    const machine = afterwards(before);
    const result: SessionsResult = { machine, sessions: count, bytes };
    print(tell('sessions', result, options.saves, format));
    if (options.objects) print(`${formatParts(await objectsOf(MODULE, count)).join('\n')}\n`);
    return 0;
  },
};

function format(result: SessionsResult, previous: SessionsResult | undefined): string {
  const { sessions: count, bytes } = result;
  return [
    ...heading('idle sessions', `${count.toLocaleString('en')} over netlink`, result, previous),
    'each has made one call of 64 B; bytes each after full collections, a thousand sessions',
    `against all of them; goal: ${GOAL} at each side.`,
    'Limits raised: sessionsMax, sessionsPerPeerMax, waitMs\n',
    ...formatShares(bytes),
    '',
  ].join('\n');
}
