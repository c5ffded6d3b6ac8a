import type { Scenario } from '../scenario.ts';
import { machineFacts, type MachineFacts } from './machine.ts';
import { heading, saveResult } from './report.ts';
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
  seconds: 60,
  run: async (options, { print }) => {
    const before = machineFacts();
    const count = options.count ?? (options.brief ? BRIEF_SESSIONS : SESSIONS);
    const bytes = await weigh(MODULE, count);
    const machine = { ...before, loadAfter: machineFacts().loadBefore };
    const result: SessionsResult = { machine, sessions: count, bytes };
    const text = `${format(result).join('\n')}\n`;
    if (options.saves) saveResult('sessions', result, text);
    print(text);
    if (options.objects) print(`${formatParts(await objectsOf(MODULE, count)).join('\n')}\n`);
    return 0;
  },
};

function format({ machine, sessions: count, bytes }: SessionsResult): string[] {
  return [
    ...heading('idle sessions', machine, `${count.toLocaleString('en')} over netlink`),
    'each has made one call of 64 B; bytes each after full collections, a thousand sessions',
    `against all of them; goal: ${GOAL} at each side.`,
    'Limits raised: sessionsMax, sessionsPerPeerMax, waitMs\n',
    ...formatShares(bytes),
  ];
}
