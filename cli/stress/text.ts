import type { Plan } from './plan.ts';
import { faultOf, type Report } from './report.ts';
import { COLUMNS, wrap } from '../help.ts';

const LABEL = 13;

/** What a run is about to do, for people. */
export function planText(plan: Plan): string[] {
  const { calls, clients, inFlight, payload, transport, seed, receiveBuffer } = plan;
  return [
    ...row('stress', `${calls} calls of ${payload} bytes, ${clients} clients with ${inFlight} in `
      + `flight each, ${transport}, seed ${seed}`),
    ...row('faults', faultText(plan)),
    ...(receiveBuffer === undefined ? [] : row('queues', `SO_RCVBUF ${receiveBuffer}, doubled`)),
  ];
}

/** What became of it. */
export function reportText(report: Report): string[] {
  const { calls, transmissions, latencyMs, network, virtualMs } = report;
  const { failedByOutcome: failed } = calls;
  const causes = Object.entries(failed).filter(([, count]) => count > 0);
  const why = causes.map(([outcome, count]) => `${count} ${outcome}`).join(', ');
  const { p50, p99, p999, max } = latencyMs ?? {};
  const fault = faultOf(report);
  return [
    ...row('calls', `${calls.succeeded} succeeded, ${calls.failed} failed${why && ` (${why})`}`),
    ...row('executions', `${report.executions}, of those ${report.duplicateExecutions} duplicate, `
      + `${report.orderViolations} out of order`),
    ...row('replies', `${report.wrongReplies} wrong`),
    ...row('latency', p50 === undefined
      ? 'none'
      : `p50 ${p50} ms, p99 ${p99} ms, p99.9 ${p999} ms, max ${max} ms`),
    ...row('sent', `${transmissions.requests} requests, ${transmissions.replies} replies, `
      + `${transmissions.control} control, in ${transmissions.datagrams} datagrams; `
      + `${report.transmissionsPerCall} transmissions a call`),
    ...row('network', `${network.lost} lost, ${network.duplicated} duplicated, `
      + `${network.reordered} reordered, ${network.corrupted} corrupted, `
      + `${network.overrun} overrun, ${network.noMemory} out of memory`),
    ...row('time', `${(report.wallMs / 1000).toFixed(2)} s, ${report.callsPerSecond} calls a second`
      + (virtualMs === null ? '' : `; ${(virtualMs / 1000).toFixed(3)} s in the simulation`)),
    ...row('verdict', fault === undefined
      ? 'good: every call ran exactly once, in order, and got its own reply'
      : `BAD: ${fault}`),
  ];
}

function faultText({ loss, duplicate, reorder, corrupt, delayMs, memory }: Plan): string {
  const shares = Object.entries({ loss, duplicate, reorder, corrupt })
    .filter(([, share]) => share > 0)
    .map(([name, share]) => `${name} ${Number((share * 100).toPrecision(6))} %`);
  if (delayMs.max > 0) shares.push(`delay ${delayMs.min}..${delayMs.max} ms`);
  if (memory !== 'none') shares.push(`memory pressure ${memory}`);
  return shares.length === 0 ? 'none' : shares.join(', ');
}

function row(label: string, text: string): string[] {
  const lines = wrap(text, COLUMNS - LABEL);
  return lines.map((line, at) => (at === 0 ? label : '').padEnd(LABEL) + line);
}
