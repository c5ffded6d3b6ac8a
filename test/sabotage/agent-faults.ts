import { faultsIn, type Fault } from './fault.ts';

const MONITOR = ['unit/proc/monitor', 'property/proc'];
const MIRROR = ['unit/agents/dm-log', 'simulation/mirror'];

/** Faults of the agents: process events, the 1-Wire bus, the log of a mirror. */
export const agentFaults: readonly Fault[] = [
  ...faultsIn(
    'agents/proc/ledger.js',
    ['unit/proc/ledger', ...MONITOR],
    [
      ['a gap counts as one', 'this.#gaps += ahead;', 'this.#gaps += ahead > 0 ? 1 : 0;'],
      ['who was overtaken stays missing', 'this.#gaps -= 1;', ''],
      ['what had no memory is told again', 'this.#unqueued += more;', ''],
    ],
  ),
  ...faultsIn(
    'agents/proc/liveness.js',
    ['unit/proc/liveness', ...MONITOR],
    [
      ['a dropped answer is a mute', 'const again = this.#doubtful;', 'const again = false;'],
      ['an answer to others counts', 'ack !== (this.#asked + 1) >>> 0', 'false'],
      ['it listens without a question', 'this.#steps % 2 === 0', 'false'],
      ['one CPU is asked only', 'this.#cpu++ % cpus.length', '0'],
      ['a mute is given up', 'else if (this.mutes === 0)', 'else if (true)'],
    ],
  ),
  ...faultsIn('agents/proc/monitor.js', MONITOR, [
    [
      'what was done while muted is not looked for',
      'if (unmuted) this.#recovery.handleLoss();',
      '',
    ],
    ['the end of a pid used again is not told', 'this.#recover(recoveredExit(pid, timeMs));', ''],
    [
      'the picture is whole though muted',
      '!this.#recovery.dirty && !muted',
      '!this.#recovery.dirty',
    ],
    ['the numbers are not looked at', 'this.suspects && !this.#recovery.wantsTurn', 'false'],
    ['the drop counter wraps', '(drops - this.#lostQueue) >>> 0', 'drops - this.#lostQueue'],
  ]),
  ...faultsIn(
    'agents/proc/recovery.js',
    ['unit/proc/recovery', ...MONITOR],
    [
      ['drops during a round do not count', 'drops === this.#dropsBefore', 'true'],
      ['the past is taken for news', 'this.touched.clear();', ''],
      ['a report during a look is forgotten', "|| this.#state === 'checking'", ''],
      ['looks take all the time', 'PAUSE_FACTOR * (now - this.#began)', '0'],
    ],
  ),
  ...faultsIn(
    'agents/proc/reconcile.js',
    ['unit/proc/reconcile', ...MONITOR],
    [
      ['a look is newer than a report', '&& !touched.has(pid)', ''],
      [
        'an exec is not found out',
        'table.addExec(pid); yield recoveredExec(pid, timeMs);',
        'table.addExec(pid);',
      ],
    ],
  ),
  ...faultsIn(
    'agents/proc/table.js',
    ['unit/proc/reconcile', ...MONITOR],
    [['a pid is a process', 'record.startTicks === entry.startTicks', 'true']],
  ),
  ...faultsIn('agents/proc/outbox.js', MONITOR, [
    ['an overflow is silent', "owe(debt, 'consumer', 1);", ''],
    ['what changed unseen is forgotten', 'believed.set(pid, before);', ';'],
  ]),
  ...faultsIn(
    'agents/proc/wire.js',
    ['unit/proc/wire'],
    [['a signal is a code', 'if (signal !== 0)', 'if (false)']],
  ),
  ...faultsIn(
    'agents/w1/exchange.js',
    ['unit/agents/w1'],
    [
      ['the first status is the end', 'this.#seen >= this.#commands.length', 'true'],
      ['a failed command refuses all', 'data.length === 0 ||', 'true ||'],
      ['a slave that is gone failed a command', '&& status === ENODEV', '&& false'],
      ['an event is an answer', '|| payload[0] <= types.masterRemove', ''],
    ],
  ),
  ...faultsIn(
    'agents/w1/w1.js',
    ['unit/agents/w1'],
    [
      ['requests go side by side', 'await before;', ''],
      ['an overrun is not told', 'if (overrun !== this.#overrun)', 'if (false)'],
    ],
  ),
  ...faultsIn(
    'agents/w1/slave-id.js',
    ['unit/agents/w1'],
    [['noise is a slave', '|| crc8(bytes.subarray(0, 7)) !== bytes[7]', '']],
  ),
  ...faultsIn('agents/dm-log/log-table.js', MIRROR, [
    ['a copy is executed', 'if (known instanceof Answer)', 'if (false)'],
    ['what was overtaken is executed', "known === 'stale' &&", 'false &&'],
    ['a flush stays in memory', 'kind === kinds.flush || fell', 'fell'],
    ['out of sync stays in memory', 'kind === kinds.flush || fell', 'kind === kinds.flush'],
    ['what is not stored is affirmed', 'answer.notStored();', ''],
    ['what is not stored is forgotten', 'this.#logs.get(answer.uuid)?.notStored();', ''],
  ]),
  ...faultsIn('agents/dm-log/mirror-log.js', MIRROR, [
    ['a way back puts regions out of sync', 'if (this.#running === table.luid) return;', ''],
    ['writes under way are trusted', 'if (isClean && (', 'if (('],
    [
      'the table before takes marks back',
      'clear(luid, regions) { if (this.#replacedBy(luid)) return;',
      'clear(luid, regions) {',
    ],
    ['a reboot is a restart', 'if (state?.boot !== boot) return;', 'if (!state) return;'],
    ['regions of another size are known', 'sameRegions && !afresh', '!afresh'],
    ['work goes to any table', 'this.#running !== luid || this.#halted', 'this.#halted'],
    ['a failed region is tried for ever', 'this.#failed.add(region);', ''],
  ]),
  ...faultsIn(
    'agents/dm-log/image.js',
    ['unit/agents/dm-log-file'],
    [['a damaged file is read', '!== crc32(header)', '=== -1']],
  ),
  ...faultsIn(
    'agents/dm-log/server.js',
    ['unit/agents/dm-log-server', 'simulation/mirror'],
    [
      [
        'the answer is faster than the disk',
        'await this.#store.store(step.work);',
        'void this.#store.store(step.work);',
      ],
      ['what is stored overtakes', 'await before;', ''],
      ['what waits has no bound', 'this.#waits >= WAITING_MAX', 'false'],
    ],
  ),
];
