import { CallRecord, EMPTY_METHODS } from './call.ts';
import type { CallPlan, Execution, Route, Settlement } from './call.ts';
import { idOf, STAMP_LENGTH } from './stamp.ts';
import type { Trace } from './trace.ts';
import { isConnectorError } from '../../core/errors.ts';

/** More are not worth reading. */
const VIOLATIONS_MAX = 20;

/**
 * The model: a book of what was asked for, what ran and what callers were told, kept outside of the
 * code under test and by other means. What is wrong at once is noted at once; `verdict.ts` looks at
 * the whole when all is over.
 */
export class Ledger {
  readonly calls: CallRecord[] = [];
  readonly violations: string[] = [];
  readonly #now: () => number;
  readonly #trace: Trace;
  /** By the number of its method, the one call without a payload that is made by it. */
  readonly #empty = new Map<number, CallRecord>();
  #tick = 0;

  constructor(now: () => number, trace: Trace) {
    this.#now = now;
    this.#trace = trace;
  }

  /** Notes that an invariant does not hold. */
  violated(sentence: string): void {
    this.#trace.note('!', sentence);
    if (this.violations.length === VIOLATIONS_MAX) this.violations.push('and more');
    if (this.violations.length < VIOLATIONS_MAX) this.violations.push(sentence);
  }

  /** Enters a call that is about to be made. */
  issue(drawn: CallPlan, route: Route): CallRecord {
    const id = this.calls.length;
    const known = drawn.form === 'empty' && this.#empty.has(id % EMPTY_METHODS);
    const plan: CallPlan = known ? { ...drawn, form: 'bytes' } : drawn;
    const call = new CallRecord(id, plan, route, this.#now());
    this.calls.push(call);
    if (plan.form === 'empty') this.#empty.set(id % EMPTY_METHODS, call);
    const { behaviour, form, length, channel, idempotent, timeoutMs } = plan;
    const kind = `${behaviour}${idempotent ? ' idempotent' : ''}${channel ? ` in ${channel}` : ''}`;
    const size = form === 'bytes' ? `${length} B` : form;
    const what = `calls #${call.id} over ${route.name}: ${kind}, ${size}`;
    this.#trace.note(route.from, `${what}, ${timeoutMs.toFixed(0)} ms`);
    return call;
  }

  /** A handler begins. Undefined if it was given what nobody sent; then it is to do nothing. */
  begin(input: unknown, server: string): Execution | undefined {
    const call = this.#identify(input);
    if (call === undefined) {
      this.violated(`${server} was given a payload that nobody sent`);
      return undefined;
    }
    const execution = { call, server, begun: ++this.#tick, ended: Infinity };
    call.executions.push(execution);
    this.#trace.note(server, `runs #${call.id}`);
    const told = call.settlement?.outcome;
    if (told === 'not-sent' || told === 'not-executed') {
      this.violated(`${call} ran at ${server} after its caller was told ${told}`);
    }
    return execution;
  }

  end(execution: Execution): void {
    execution.ended = ++this.#tick;
  }

  /** The caller has a reply. */
  succeed(call: CallRecord, value: unknown): void {
    this.#settle(call, 'ok', 'ok');
    if (!belongs(call, value)) this.violated(`${call} got a reply that is not its own`);
    const { behaviour, manner } = call.plan;
    const threw = behaviour === 'throwing' && manner !== 'oneWay';
    if (threw) this.violated(`${call} succeeded, its handler threw`);
  }

  /** The caller has an error. */
  fail(call: CallRecord, error: unknown): void {
    if (!isConnectorError(error) || error.outcome === undefined) {
      this.violated(`${call} failed without an outcome: ${String(error)}`);
      this.#settle(call, 'malformed', 'unknown');
      return;
    }
    const { code, outcome, message } = error;
    this.#settle(call, code, outcome);
    const own = message.endsWith(call.complaint) || givenUp(call, message);
    if (code === 'application' && !own) {
      this.violated(`${call} got the error of another: ${message}`);
    }
  }

  #settle(call: CallRecord, code: Settlement['code'], outcome: Settlement['outcome']): void {
    if (call.settlement !== undefined) this.violated(`${call} was settled twice`);
    call.settlement = { atMs: this.#now(), code, outcome };
    const how = code === 'ok' ? 'succeeds' : `fails: ${code}, ${outcome}`;
    this.#trace.note(call.route.from, `#${call.id} ${how}`);
  }

  #identify(input: unknown): CallRecord | undefined {
    if (typeof input === 'number') return this.#empty.get(input); // which empty method it is
    if (input instanceof Uint8Array) {
      const call = this.calls[idOf(input, 'request') ?? -1];
      const length = Math.max(STAMP_LENGTH, call?.plan.length ?? 0);
      return input.length === length ? call : undefined;
    }
    if (typeof input !== 'object' || input === null || !('id' in input)) return undefined;
    const call = this.calls[Number(input.id)];
    return JSON.stringify(call?.input()) === JSON.stringify(input) ? call : undefined;
  }
}

/** A handler of a stream was stopped for want of room: its complaint never came to be. */
function givenUp({ plan }: CallRecord, message: string): boolean {
  return plan.manner === 'stream' && message.endsWith('the handler failed');
}

function belongs({ id, plan }: CallRecord, value: unknown): boolean {
  const { form, replyLength, manner } = plan;
  if (manner !== 'call') return value === undefined;
  if (form === 'json') return JSON.stringify(value) === JSON.stringify({ reply: id });
  if (replyLength < STAMP_LENGTH) return value === undefined;
  return value instanceof Uint8Array && value.length === replyLength && idOf(value, 'reply') === id;
}
