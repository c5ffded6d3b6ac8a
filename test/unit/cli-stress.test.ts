import test from 'ava';
import { Ledger } from '../../cli/stress/ledger.ts';
import { channelOf, quotaOf, type Plan } from '../../cli/stress/plan.ts';
import { faultOf, reportOf, type Report } from '../../cli/stress/report.ts';
import { readStamp, STAMP_LENGTH, writeStamp, type Stamp } from '../../cli/stress/stamp.ts';
import { planText, reportText } from '../../cli/stress/text.ts';
import { addTallies, noOutcomes, type Tally } from '../../cli/stress/tally.ts';
import type { CallContext } from '../../sessions/service.ts';

const plan: Plan = {
  transport: 'simulated',
  calls: 11,
  clients: 2,
  inFlight: 4,
  payload: 16,
  loss: 0,
  duplicate: 0,
  reorder: 0,
  corrupt: 0,
  delayMs: { min: 0, max: 0 },
  memory: 'none',
  receiveBuffer: undefined,
  seed: 1,
};

function payload(stamp: Stamp): Uint8Array {
  const bytes = new Uint8Array(plan.payload);
  writeStamp(bytes, stamp);
  return bytes;
}

function context(parts: Partial<CallContext>): CallContext {
  return parts as CallContext;
}

function tally(parts: Partial<Tally>): Tally {
  const none = { started: 0, succeeded: 0, wrongReplies: 0, firstFailure: undefined };
  return { ...none, failedByOutcome: noOutcomes(), latenciesUs: new Uint32Array(0), ...parts };
}

function report(parts: Partial<Tally>, executions: Partial<Report> = {}): Report {
  const counted = { executions: 0, duplicateExecutions: 0, orderViolations: 0, ...executions };
  return reportOf(plan, {
    tally: tally(parts),
    executions: counted,
    traffic: { requests: 3, replies: 2, control: 1, datagrams: 4 },
    trouble: { lost: 0, duplicated: 0, reordered: 0, corrupted: 0, overrun: 0, noMemory: 0 },
    wallMs: 500,
    virtualMs: undefined,
  });
}

test('the calls are shared out, and every other one goes to a channel in turn', (t) => {
  t.deepEqual([0, 1].map((client) => quotaOf(plan, client)), [6, 5]);
  const numbers = Array.from({ length: 10 }, (_, number) => channelOf(number));
  t.deepEqual(numbers, [0, 1, 0, 2, 0, 3, 0, 4, 0, 1]);
});

test('a stamp is read as it was written, also where it does not begin its buffer', (t) => {
  const stamp = { client: 999, number: 0xffff_ffff, channel: 4, position: 0x1234_5678 };
  const bytes = new Uint8Array(20).subarray(5, 5 + STAMP_LENGTH);
  writeStamp(bytes, stamp);
  t.deepEqual(readStamp(bytes), stamp);
});

test('the ledger counts executions, those of one call again, and those out of order', (t) => {
  const ledger = new Ledger(plan);
  const run = (client: number, number: number, channel = 0, position = 0): void => {
    const bytes = payload({ client, number, channel, position });
    t.is(ledger.execute(bytes, context({})), bytes);
  };
  run(0, 0);
  run(1, 0);
  t.deepEqual(ledger.executions, { executions: 2, duplicateExecutions: 0, orderViolations: 0 });
  run(0, 0);
  t.deepEqual(ledger.executions, { executions: 3, duplicateExecutions: 1, orderViolations: 0 });
  run(0, 1, 1, 0);
  run(0, 3, 1, 2); // a gap: what is missing may have failed
  run(1, 1, 1, 0); // another client's channel of the same name
  t.deepEqual(ledger.executions, { executions: 6, duplicateExecutions: 1, orderViolations: 0 });
  run(0, 2, 1, 1);
  t.deepEqual(ledger.executions, { executions: 7, duplicateExecutions: 1, orderViolations: 1 });
});

test('the ledger takes nothing that is no call of the run', (t) => {
  const ledger = new Ledger(plan);
  for (const input of [
    undefined,
    new Uint8Array(15),
    payload({ client: 0, number: 6, channel: 0, position: 0 }),
    payload({ client: 2, number: 0, channel: 0, position: 0 }),
  ]) {
    t.throws(() => ledger.execute(input, context({})));
  }
});

test('payloads too short for a stamp are told apart by seq and ack', (t) => {
  const ledger = new Ledger({ ...plan, payload: 0 });
  for (const ack of [1, 2, 1]) {
    ledger.execute(new Uint8Array(0), context({ peer: 5, seq: 7, ack }));
  }
  t.deepEqual(ledger.executions, { executions: 3, duplicateExecutions: 1, orderViolations: 0 });
});

test('tallies add up', (t) => {
  const failedByOutcome = { ...noOutcomes(), unknown: 2 };
  const sum = addTallies([
    tally({ started: 3, succeeded: 2, latenciesUs: new Uint32Array([5, 1]) }),
    tally({ started: 3, succeeded: 1, latenciesUs: new Uint32Array([9]), failedByOutcome,
      firstFailure: 'no' }),
  ]);
  t.like(sum, { started: 6, succeeded: 3, failedByOutcome, firstFailure: 'no' });
  t.deepEqual([...sum.latenciesUs], [5, 1, 9]);
});

test('percentiles are exact, by nearest rank', (t) => {
  const latenciesUs = Uint32Array.from({ length: 2000 }, (_, at) => 2000 - at);
  const { latencyMs, transmissionsPerCall, callsPerSecond } = report(
    { started: 2000, succeeded: 2000, latenciesUs },
  );
  t.deepEqual(latencyMs, { p50: 1, p99: 1.98, p999: 1.998, max: 2 });
  t.is(transmissionsPerCall, 0.0025);
  t.is(callsPerSecond, 4000);
  t.is(report({ started: 1 }).latencyMs, null);
});

test('what is wrong with a run is named, the gravest first', (t) => {
  const fine = { started: 1, succeeded: 1 };
  t.is(faultOf(report(fine, { executions: 1 })), undefined);
  t.regex(faultOf(report(fine, { executions: 2, duplicateExecutions: 1 }))!, /more than once/);
  t.regex(faultOf(report({ ...fine, wrongReplies: 1 }, { executions: 1 }))!, /not their call's/);
  t.regex(faultOf(report(fine, { executions: 1, orderViolations: 1 }))!, /order/);
  t.regex(faultOf(report(fine))!, /more replies than executions/);
  const failed = { started: 1, failedByOutcome: { ...noOutcomes(), unknown: 1 } };
  t.is(faultOf(report(failed)), '1 of 1 calls failed');
  t.true(reportText(report(failed)).includes('verdict      BAD: 1 of 1 calls failed'));
});

test('no line is longer than 80 columns, however large the numbers', (t) => {
  const many = 99_999_999;
  const failedByOutcome = {
    'not-sent': many, 'not-executed': many, 'executed': many, 'unknown': many,
  };
  const large = report({ started: many, succeeded: many, failedByOutcome }, { executions: many });
  const rest = { loss: 0.123456, duplicate: 0.1, reorder: 0.1, corrupt: 0.1 };
  const lines = [
    ...planText({ ...plan, ...rest, calls: many, receiveBuffer: many, memory: 'severe',
      delayMs: { min: 0.001, max: 9999.999 } }),
    ...reportText(large),
  ];
  for (const line of lines) t.true(line.length <= 80, line);
});
