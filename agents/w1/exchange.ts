import type { Command, CommandResult, Target } from './command.ts';
import { decodeCommands, decodeMessages, MESSAGE_HEADER, types } from './wire.ts';
import { matchRules, type Genes, type Match, type MatchRule } from '../../index.ts';

/** No such master, or no slave answers to the registration number. */
const ENODEV = 19;

/**
 * One request and its answer. Each command is answered by any number of data messages and then one
 * status; so the answer ends with the status of the last command, not, as the rule `w1` has it,
 * with the first. A status without a command, and that of a slave that could not be selected, end
 * it before: then no command ran. Sans-IO.
 */
export class W1Exchange {
  readonly #toSlave: boolean;
  readonly #commands: readonly Command[];
  readonly #data: Uint8Array[][];
  readonly #statuses: number[] = [];
  /** Statuses that the rule has seen: it runs ahead of `take`. */
  #seen = 0;
  #failure = 0;

  constructor(target: Target, commands: readonly Command[]) {
    this.#toSlave = 'slave' in target;
    this.#commands = commands;
    this.#data = commands.map(() => []);
  }

  /** The errno that answers the request as a whole, 0 if none does: then no command ran. */
  get failure(): number {
    return this.#failure;
  }

  /** Matches what belongs to this answer. For one request only: it counts. */
  readonly rule: MatchRule = (request, received, payload) => {
    const match = rule(request, received, payload);
    if (match !== 'final') return match;
    for (const { status, data } of decodeMessages(payload)) {
      this.#seen += 1;
      if (this.#refuses(status, data)) return 'final';
    }
    return this.#seen >= this.#commands.length ? 'final' : 'part';
  };

  /** Takes the next part of the answer; `genes` are its seq and ack. */
  take(genes: Genes, payload: Uint8Array): void {
    for (const { status, data } of decodeMessages(payload)) {
      if (isData(genes)) {
        for (const command of decodeCommands(data)) {
          this.#data[this.#statuses.length]?.push(command.data);
        }
      } else if (this.#refuses(status, data)) this.#failure = status;
      else this.#statuses.push(status);
    }
  }

  /** What became of each command, in their order; those without status are left out. */
  results(): CommandResult[] {
    const answered = this.#commands.slice(0, this.#statuses.length);
    return answered.map(({ kind }, index) => ({
      kind,
      status: this.#statuses[index]!,
      data: joined(this.#data[index]!),
    }));
  }

  #refuses(status: number, data: Uint8Array): boolean {
    return status !== 0 && (data.length === 0 || (this.#toSlave && status === ENODEV));
  }
}

/** The rule `w1`, for what is an answer at all: an event may have any seq, and its ack is 0. */
export const rule: MatchRule = (request: Genes, received: Genes, payload: Uint8Array): Match => {
  if (payload.length < MESSAGE_HEADER || payload[0]! <= types.masterRemove) return 'no';
  return matchRules.w1(request, received, payload);
};

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** True for data: ack = seq + 1; a status carries the ack of its request (KF §3.1). */
export function isData({ seq, ack }: Genes): boolean {
  return ack === (seq + 1) >>> 0;
}
