import { faultsIn, type Fault } from './fault.ts';

const MONITOR = ['unit/proc/monitor', 'property/proc'];
const W1 = ['unit/agents/w1'];
// Not simulation/mirror: a mirror whose log is broken may take its time to show that.
const MIRROR = ['unit/agents/dm-log'];
const SERVER = ['unit/agents/dm-log-server'];

/** Faults of the agents: process events, the 1-Wire bus, the log of a mirror. */
export const agentFaults: readonly Fault[] = [
  ...faultsIn(
    'agents/proc/ledger.js',
    ['unit/proc/ledger', ...MONITOR],
    [['a gap counts as one', 'this.#gaps += ahead;', 'this.#gaps += ahead > 0 ? 1 : 0;']],
  ),
  ...faultsIn(
    'agents/proc/liveness.js',
    ['unit/proc/liveness', ...MONITOR],
    [
      ['a dropped answer is a mute', 'const again = this.#doubtful;', 'const again = false;'],
      ['it listens without a question', 'this.#steps % 2 === 0', 'false'],
    ],
  ),
  ...faultsIn('agents/proc/monitor.js', MONITOR, [
    ['what a mute hid is not looked for', 'if (unmuted) this.#recovery.handleLoss();', ''],
    ['drops do not wrap', '(drops - this.#lostQueue) >>> 0', 'drops - this.#lostQueue'],
  ]),
  ...faultsIn(
    'agents/proc/recovery.js',
    ['unit/proc/recovery', ...MONITOR],
    [
      ['drops during a round do not count', 'drops === this.#dropsBefore', 'true'],
      ['the past is taken for news', 'this.touched.clear();', ''],
    ],
  ),
  ...faultsIn(
    'agents/proc/table.js',
    ['unit/proc/reconcile', ...MONITOR],
    [['a pid is a process', 'record.startTicks === entry.startTicks', 'true']],
  ),
  ...faultsIn('agents/proc/outbox.js', MONITOR, [
    ['what changed unseen is forgotten', 'believed.set(pid, before);', ';'],
  ]),
  ...faultsIn('agents/w1/exchange.js', W1, [
    ['the first status is the end', 'this.#seen >= this.#commands.length', 'true'],
  ]),
  ...faultsIn('agents/w1/w1.js', W1, [['requests go side by side', 'await before;', '']]),
  ...faultsIn('agents/dm-log/log-table.js', MIRROR, [
    ['a copy is executed', 'if (known instanceof Answer)', 'if (false)'],
    ['a flush stays in memory', 'kind === kinds.flush || fell', 'fell'],
    ['what is not stored is affirmed', 'answer.notStored();', ''],
  ]),
  ...faultsIn('agents/dm-log/mirror-log.js', MIRROR, [
    ['writes under way are trusted', 'if (isClean && (', 'if (('],
    [
      'the table before takes marks back',
      'clear(luid, regions) { if (this.#replacedBy(luid)) return;',
      'clear(luid, regions) {',
    ],
    ['a reboot is a restart', 'if (state?.boot !== boot) return;', 'if (!state) return;'],
  ]),
  ...faultsIn('agents/dm-log/server.js', SERVER, [
    [
      'the answer is faster than the disk',
      'await this.#store.store(step.work);',
      'void this.#store.store(step.work);',
    ],
    ['what is stored overtakes', 'await before;', ''],
    ['what waits has no bound', 'this.#waits >= WAITING_MAX', 'false'],
  ]),
];
