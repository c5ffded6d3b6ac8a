import type { CallRecord } from './call.ts';
import type { Stage } from './stage.ts';
import type { CallOptions } from '../../sessions/calling.ts';
import type { Connection } from '../../sessions/connection.ts';

/** Of the values of a stream, how many a taker waits before it takes on. */
const REST_EVERY = 5;
const REST_MS = 1;

/**
 * Makes a call with further values either way, and looks at each that comes. Resolves when all have
 * come; rejects as the stream throws.
 */
export async function takeStream(
  stage: Stage,
  connection: Connection,
  call: CallRecord,
  options: CallOptions,
): Promise<undefined> {
  const { ledger } = stage;
  const { items } = call.plan;
  const requests = items.up === 0 ? {} : { requests: itemsUp(call) };
  const values = connection.stream(call.method, call.input(), { ...options, ...requests });
  let at = 0;
  for await (const value of values) {
    if (!call.isItem('reply', at, value)) ledger.violated(`${call} got a wrong value at ${at}`);
    at += 1;
    if (call.id % 3 !== 0 || at % REST_EVERY !== 0) continue;
    await stage.sleep(REST_MS);
    call.restedMs += REST_MS;
  }
  if (at !== items.down) ledger.violated(`${call} got ${at} values of ${items.down}`);
  return undefined;
}

function* itemsUp(call: CallRecord): Generator<unknown> {
  for (let at = 0; at < call.plan.items.up; at++) yield call.item('request', at);
}
