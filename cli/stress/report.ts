import type { Findings, Traffic, Trouble } from './findings.ts';
import type { Plan } from './plan.ts';
import { failures, type Tally } from './tally.ts';

export interface Latency {
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

/** What `--json` prints, key by key. */
export interface Report {
  readonly seed: number;
  readonly transport: string;
  readonly calls: {
    readonly started: number;
    readonly succeeded: number;
    readonly failed: number;
    readonly failedByOutcome: Tally['failedByOutcome'];
  };
  readonly executions: number;
  readonly duplicateExecutions: number;
  readonly wrongReplies: number;
  readonly orderViolations: number;
  readonly transmissions: Traffic;
  /**
   * Requests and replies sent, again or for the first time, per call: 2 where nothing is repeated.
   * Messages, not datagrams: many travel in one.
   */
  readonly transmissionsPerCall: number;
  /** Null where no call succeeded. In virtual time where the network is simulated. */
  readonly latencyMs: Latency | null;
  readonly wallMs: number;
  /** Null where time was real. */
  readonly virtualMs: number | null;
  readonly callsPerSecond: number;
  readonly network: Trouble;
}

export function reportOf(plan: Plan, findings: Findings): Report {
  const { tally, executions, traffic, trouble, wallMs, virtualMs } = findings;
  const { started, succeeded, failedByOutcome, wrongReplies } = tally;
  return {
    seed: plan.seed,
    transport: plan.transport,
    calls: { started, succeeded, failed: failures(tally), failedByOutcome },
    executions: executions.executions,
    duplicateExecutions: executions.duplicateExecutions,
    wrongReplies,
    orderViolations: executions.orderViolations,
    transmissions: traffic,
    transmissionsPerCall: rounded((traffic.requests + traffic.replies) / started, 4),
    latencyMs: latencyOf(tally.latenciesUs),
    wallMs: rounded(wallMs, 1),
    virtualMs: virtualMs === undefined ? null : rounded(virtualMs, 3),
    callsPerSecond: Math.round((succeeded * 1000) / wallMs),
    network: trouble,
  };
}

/** What is wrong with a run, in the order of gravity; undefined if nothing is. */
export function faultOf(report: Report): string | undefined {
  const { calls, executions, duplicateExecutions, wrongReplies, orderViolations } = report;
  if (duplicateExecutions > 0) return `${duplicateExecutions} calls ran more than once`;
  if (wrongReplies > 0) return `${wrongReplies} replies are not their call's`;
  if (orderViolations > 0) return `${orderViolations} calls ran out of their channel's order`;
  if (executions < calls.succeeded) return 'there are more replies than executions';
  if (calls.failed > 0) return `${calls.failed} of ${calls.started} calls failed`;
  return undefined;
}

/** Exact percentiles by nearest rank. */
function latencyOf(microseconds: Uint32Array): Latency | null {
  if (microseconds.length === 0) return null;
  const sorted = microseconds.slice().sort();
  const at = (share: number): number =>
    sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]! / 1000;
  return { p50: at(0.5), p99: at(0.99), p999: at(0.999), max: at(1) };
}

function rounded(value: number, digits: number): number {
  const factor = 10 ** digits;
  return Math.round(value * factor) / factor;
}
