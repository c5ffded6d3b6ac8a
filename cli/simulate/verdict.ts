import type { CallRecord, Execution } from './call.ts';
import type { Ledger } from './ledger.ts';
import type { Peer } from '../../transport/transport.ts';

/** How late a call may settle: the grain of the clock, and the turn in which it is noticed. */
const LATE_MS = 2;

/**
 * Looks at all calls when everything is over, and notes what was not as promised. At the addresses
 * of `lasting` nothing ever crashed.
 */
export function judge(ledger: Ledger, lasting: ReadonlySet<Peer> = new Set()): void {
  for (const call of ledger.calls) {
    const complain = (what: string): void => ledger.violated(`${call} ${what}`);
    judgeExecutions(call, complain);
    judgeSettlement(call, lasting, complain);
  }
  judgeChannels(ledger);
}

/** At most once in all, an idempotent call at most once in each incarnation. */
function judgeExecutions(call: CallRecord, complain: (what: string) => void): void {
  const { executions, plan } = call;
  const servers = executions.map(({ server }) => server);
  if (!plan.idempotent && servers.length > 1) {
    complain(`was executed ${servers.length} times, by ${servers.join(', ')}`);
  }
  for (const server of new Set(servers)) {
    const times = servers.filter((each) => each === server).length;
    if (times > 1) complain(`was executed ${times} times by ${server}`);
  }
}

function judgeSettlement(
  call: CallRecord,
  lasting: ReadonlySet<Peer>,
  complain: (what: string) => void,
): void {
  const { settlement, executions, deadlineMs } = call;
  if (settlement === undefined) {
    complain('never settled');
    return;
  }
  const { outcome, code, atMs } = settlement;
  const ran = executions.length > 0;
  // What was accepted without a reply dies with its process, and with nothing else.
  const { server } = call.route;
  const mayDie = call.plan.manner === 'oneWay' && (server === undefined || !lasting.has(server));
  if (outcome === 'ok' && !ran && !mayDie) complain('succeeded without being executed');
  if (outcome === 'executed' && !ran) complain(`was told executed (${code}), but never ran`);
  if ((outcome === 'not-sent' || outcome === 'not-executed') && ran) {
    complain(`was told ${outcome} (${code}), but ran at ${executions[0]!.server}`);
  }
  const late = atMs - call.restedMs - deadlineMs;
  if (late > LATE_MS) complain(`settled ${late.toFixed(3)} ms after its deadline (${code})`);
}

/** Channels are FIFO and run one call at a time, within a session. */
function judgeChannels(ledger: Ledger): void {
  const channels = new Map<string, Execution[]>();
  for (const call of ledger.calls) {
    if (call.plan.channel === undefined || !countsInOrder(call)) continue;
    for (const execution of call.executions) {
      const key = `${call.plan.channel} of ${call.route.name} at ${execution.server}`;
      const list = channels.get(key);
      if (list === undefined) channels.set(key, [execution]);
      else list.push(execution);
    }
  }
  for (const [key, executions] of channels) {
    executions.sort((left, right) => left.begun - right.begun);
    let before: Execution | undefined;
    for (const execution of executions) {
      if (before !== undefined) judgePair(ledger, key, before, execution);
      before = execution;
    }
  }
}

/**
 * Over several sessions only calls count that are known to have run, and that ran once: what became
 * of another in its session may come after what its caller did in the next one. On a route that had
 * one session only, all count.
 */
function countsInOrder({ route, plan, settlement }: CallRecord): boolean {
  if (route.steady()) return true;
  if (plan.idempotent || plan.manner === 'oneWay') return false; // it runs when nobody waits
  return (settlement?.outcome === 'ok' || settlement?.outcome === 'executed');
}

function judgePair(ledger: Ledger, key: string, before: Execution, after: Execution): void {
  const [first, second] = [before.call.id, after.call.id];
  if (first > second) ledger.violated(`channel ${key}: #${second} ran after #${first}`);
  if (before.ended > after.begun) {
    ledger.violated(`channel ${key}: #${second} began before #${first} had ended`);
  }
}
