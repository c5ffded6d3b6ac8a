import { EMPTY_METHODS, emptyMethod, NO_ITEMS } from './call.ts';
import type { CallPlan, Execution } from './call.ts';
import type { Stage } from './stage.ts';
import type { CallContext, Handlers } from '../../sessions/service.ts';

/** What a server serves, one incarnation of it. */
export function serverHandlers(stage: Stage, label: string): Handlers {
  const quick = (input: unknown): unknown => runQuick(stage, label, input);
  const work = (input: unknown, context: CallContext): Promise<unknown> =>
    runWork(stage, label, input, context);
  const stream = (input: unknown, context: CallContext): AsyncIterable<unknown> =>
    runStream(stage, label, input, context);
  return { quick, work, stream, ...emptyHandlers(stage, label) };
}

/** What a client serves on the sessions that it opened. */
export function callBackHandlers(stage: Stage, label: string): Handlers {
  return { quick: (input) => runQuick(stage, label, input) };
}

function emptyHandlers({ ledger }: Stage, label: string): Handlers {
  const entries = Array.from({ length: EMPTY_METHODS }, (_value, number) => [
    emptyMethod(number),
    (input: unknown): unknown => {
      if (input instanceof Uint8Array && input.length > 0) ledger.violated('more than was sent');
      const execution = ledger.begin(number, label);
      if (execution === undefined) return undefined;
      ledger.end(execution);
      return execution.call.reply();
    },
  ] as const);
  return Object.fromEntries(entries);
}

function runQuick({ ledger }: Stage, label: string, input: unknown): unknown {
  const execution = ledger.begin(input, label);
  if (execution === undefined) return undefined;
  ledger.end(execution); // nothing else runs before it really ends
  return execution.call.reply();
}

async function runWork(
  stage: Stage,
  label: string,
  input: unknown,
  context: CallContext,
): Promise<unknown> {
  const { ledger } = stage;
  const execution = ledger.begin(input, label);
  if (execution === undefined) return undefined;
  const { call } = execution;
  try {
    if (call.plan.behaviour === 'slow') await stage.sleep(call.plan.workMs);
    if (call.plan.behaviour === 'stalled') await stall(stage, execution, context);
    if (call.plan.behaviour === 'callBack') await callBack(stage, label, execution, context);
    return call.reply();
  } finally {
    ledger.end(execution);
  }
}

/** Takes what its caller sends and gives what is planned, by turns. */
async function* runStream(
  stage: Stage,
  label: string,
  input: unknown,
  context: CallContext,
): AsyncGenerator<unknown, void, void> {
  const { ledger } = stage;
  const execution = ledger.begin(input, label);
  if (execution === undefined) return;
  const { call } = execution;
  const { items, behaviour, workMs } = call.plan;
  try {
    for (let at = 0; at < Math.max(items.up, items.down); at++) {
      if (at < items.up) {
        const { value, done } = await context.requests.next();
        const right = done !== true && call.isItem('request', at, value);
        if (!right) ledger.violated(`${call}: ${label} got a wrong value at ${at}`);
      }
      if (behaviour === 'slow' && at % 4 === 0) await stage.sleep(workMs / 4);
      if (at < items.down) yield call.item('reply', at);
    }
    if (items.up > 0) {
      const { done } = await context.requests.next();
      if (done !== true) ledger.violated(`${call}: ${label} got more than was sent`);
    }
    if (behaviour === 'throwing') throw new Error(call.complaint);
  } finally {
    ledger.end(execution);
  }
}

/** Hangs until the faults stop; every other handler at least listens to its signal. */
function stall(stage: Stage, { call }: Execution, { signal }: CallContext): Promise<void> {
  stage.deeds.stalls += 1;
  if (call.id % 2 === 0) return stage.calmed;
  const aborted = new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
  return Promise.race([stage.calmed, aborted]);
}

async function callBack(
  { ledger }: Stage,
  label: string,
  { call }: Execution,
  context: CallContext,
): Promise<void> {
  const { length, replyLength, workMs } = call.plan;
  const plan: CallPlan = {
    behaviour: 'quick',
    form: 'bytes',
    manner: 'call',
    items: NO_ITEMS,
    length,
    replyLength,
    workMs: 0,
    channel: undefined,
    idempotent: false,
    timeoutMs: 2 * workMs,
  };
  const name = `the session of #${call.id}`;
  const route = { name, from: label, server: undefined, steady: () => false };
  const back = ledger.issue(plan, route);
  await context.call(back.method, back.input(), { timeoutMs: plan.timeoutMs }).then(
    (value) => ledger.succeed(back, value),
    (error: unknown) => ledger.fail(back, error),
  );
}
