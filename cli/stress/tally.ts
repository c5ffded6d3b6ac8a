import type { Outcome } from '../../core/errors.ts';

/** What became of calls, as their callers saw it. */
export interface Tally {
  readonly started: number;
  readonly succeeded: number;
  readonly failedByOutcome: Readonly<Record<Outcome, number>>;
  /** Replies, counted under `succeeded` too, that were not the call's own payload. */
  readonly wrongReplies: number;
  /** How long each call took that succeeded, microseconds, in no order. */
  readonly latenciesUs: Uint32Array;
  /** What the first failure said. */
  readonly firstFailure: string | undefined;
}

export function addTallies(tallies: readonly Tally[]): Tally {
  const failedByOutcome = noOutcomes();
  const sum = { started: 0, succeeded: 0, wrongReplies: 0 };
  for (const tally of tallies) {
    sum.started += tally.started;
    sum.succeeded += tally.succeeded;
    sum.wrongReplies += tally.wrongReplies;
    for (const outcome of outcomes) failedByOutcome[outcome] += tally.failedByOutcome[outcome];
  }
  const latenciesUs = new Uint32Array(sum.succeeded);
  let at = 0;
  for (const tally of tallies) {
    latenciesUs.set(tally.latenciesUs, at);
    at += tally.latenciesUs.length;
  }
  const firstFailure = tallies.find((tally) => tally.firstFailure !== undefined)?.firstFailure;
  return { ...sum, failedByOutcome, latenciesUs, firstFailure };
}

export function failures({ failedByOutcome }: Tally): number {
  return outcomes.reduce((sum, outcome) => sum + failedByOutcome[outcome], 0);
}

export function noOutcomes(): Record<Outcome, number> {
  return { 'not-sent': 0, 'not-executed': 0, 'executed': 0, 'unknown': 0 };
}

const outcomes: readonly Outcome[] = ['not-sent', 'not-executed', 'executed', 'unknown'];
