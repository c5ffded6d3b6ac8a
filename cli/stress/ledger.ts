import { quotaOf, type Plan } from './plan.ts';
import { readStamp, STAMP_LENGTH } from './stamp.ts';
import type { CallContext } from '../../sessions/service.ts';

/** What the server saw. */
export interface Executions {
  readonly executions: number;
  /** Executions of a call that had been executed before. */
  readonly duplicateExecutions: number;
  /** Executions on a channel of a call that was made before one already executed there. */
  readonly orderViolations: number;
}

/**
 * The server's book of executions. It goes by what the payload says of its call, which the protocol
 * under test does not know of. Payloads too short for that are told apart by the message's
 * identity, and then order is not checked.
 */
export class Ledger {
  readonly #plan: Plan;
  /** One byte for each call of each client. */
  readonly #seen: Uint8Array[] = [];
  readonly #seenUnstamped = new Set<string>();
  /** By client and channel: the position of the last execution. */
  readonly #last = new Map<number, number>();
  #executions = 0;
  #duplicates = 0;
  #violations = 0;

  constructor(plan: Plan) {
    this.#plan = plan;
    for (let client = 0; client < plan.clients; client++) {
      this.#seen.push(new Uint8Array(quotaOf(plan, client)));
    }
  }

  get executions(): Executions {
    return {
      executions: this.#executions,
      duplicateExecutions: this.#duplicates,
      orderViolations: this.#violations,
    };
  }

  /** The method `echo`. */
  readonly execute = (input: unknown, context: CallContext): Uint8Array => {
    if (!(input instanceof Uint8Array) || input.length !== this.#plan.payload) {
      throw new Error('this is no payload of the run');
    }
    this.#executions += 1;
    const known = input.length < STAMP_LENGTH ? this.#noteUnstamped(context) : this.#note(input);
    if (known) this.#duplicates += 1;
    return input;
  };

  /** Enters an execution. True if the call was executed before. */
  #note(input: Uint8Array): boolean {
    const { client, number, channel, position } = readStamp(input);
    const seen = this.#seen[client];
    if (seen?.[number] === undefined) throw new Error('this is no call of the run');
    if (seen[number] === 1) return true;
    seen[number] = 1;
    if (channel === 0) return false;
    const key = client * 0x1_0000 + channel;
    const last = this.#last.get(key) ?? -1;
    // A gap alone is none: a call that failed before it ran leaves one.
    if (position <= last) this.#violations += 1;
    else this.#last.set(key, position);
    return false;
  }

  #noteUnstamped({ peer, seq, ack }: CallContext): boolean {
    const key = `${peer} ${seq} ${ack}`;
    if (this.#seenUnstamped.has(key)) return true;
    this.#seenUnstamped.add(key);
    return false;
  }
}
