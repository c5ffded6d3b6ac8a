import { RECEIVE_BUFFER_MAX } from './serve.ts';
import { command, type Command } from '../command.ts';
import { delay, oneOf, probability, wholeNumber } from '../kinds.ts';
import { noOperands } from '../operands.ts';
import { option, optional } from '../options.ts';
import { Progress } from '../progress.ts';
import type { Plan } from '../stress/plan.ts';
import { runProcesses } from '../stress/processes.ts';
import { faultOf, reportOf } from '../stress/report.ts';
import { runSimulated } from '../stress/simulated.ts';
import { planText, reportText } from '../stress/text.ts';
import { defaultLimits } from '../../core/limits.ts';

export const stress: Command = command({
  name: 'stress',
  operands: '',
  summary: 'Make many calls through a bad network and check every one.',
  details: [
    'A server answers each call with its payload; clients make the calls, every other one on one '
      + 'of four FIFO channels. The server counts how often and in which order each call ran, the '
      + 'clients check that each reply is their call\'s own. The exit code is 0 only if every call '
      + 'succeeded, ran exactly once, in order, and got its own reply.',
    'Simulated, the seed decides everything, and the same command prints the same numbers but for '
      + 'wall time. Over netlink, and over UDP on the loopback, the server and each client are '
      + 'processes of their own, and faults are made on the sending side.',
    'Messages are counted each time they are sent: transmissionsPerCall is requests and replies '
      + 'over calls, 2 where nothing is repeated. Many messages travel in one datagram. Payloads '
      + 'of less than 12 bytes cannot name their call: then order is not checked.',
  ],
  options: {
    transport: option(oneOf('simulated', 'netlink', 'udp'), 'What to call over.', 'simulated'),
    calls: option(wholeNumber(1, 100_000_000), 'Calls in all.', 10_000),
    clients: option(wholeNumber(1, 1000), 'Clients that share the calls.', 2),
    'in-flight': option(wholeNumber(1, 65_536), 'Calls that each client has open at once.', 16),
    payload: option(
      wholeNumber(0, defaultLimits.payloadMax, 'BYTES'),
      'The length of each call and reply.',
      64,
    ),
    loss: option(probability, 'That a datagram is lost.', 0),
    duplicate: option(probability, 'That a datagram arrives twice.', 0),
    reorder: option(probability, 'That a datagram is held back, so that others overtake it.', 0),
    corrupt: option(probability, 'That bits of a datagram are flipped.', 0),
    'delay-ms': option(delay, 'How long a datagram travels.', { min: 0, max: 0 }),
    'memory-pressure': option(
      oneOf('none', 'moderate', 'severe'),
      'How often allocations fail.',
      'none',
    ),
    'receive-buffer': optional(
      wholeNumber(0, RECEIVE_BUFFER_MAX, 'BYTES'),
      'What SO_RCVBUF of every socket is set to; the kernel, simulated or not, doubles it. '
        + 'Default: the system\'s.',
    ),
    seed: option(wholeNumber(0, 0xffff_ffff), 'What all chance comes from.', 1),
  },
  run: async (values, operands, shell) => {
    noOperands(operands);
    const { transport, calls, clients, payload, loss, duplicate, reorder, corrupt, seed } = values;
    const plan: Plan = {
      transport, calls, clients, payload, loss, duplicate, reorder, corrupt, seed,
      inFlight: values['in-flight'],
      delayMs: values['delay-ms'],
      memory: values['memory-pressure'],
      receiveBuffer: values['receive-buffer'],
    };
    const { json, interruption } = shell;
    if (!json) shell.text(...planText(plan), '');
    const progress = new Progress(calls, !json);
    const watch = {
      progress: (started: number): void => progress.show(started),
      watched: progress.shown,
      interruption,
    };
    const run = transport === 'simulated' ? runSimulated : runProcesses;
    const findings = await run(plan, watch).finally(() => progress.clear());
    const report = reportOf(plan, findings);
    if (json) shell.object(report);
    else shell.text(...reportText(report));
    const fault = faultOf(report);
    if (fault === undefined) return 0;
    const { firstFailure } = findings.tally;
    shell.complain(fault + (firstFailure === undefined ? '' : `, the first: ${firstFailure}`));
    return 1;
  },
});
