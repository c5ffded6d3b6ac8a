import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';

/** What the book tells of one call. */
interface Call {
  readonly channel: string;
  readonly idempotent: boolean;
  /** Who ran it, once for each time. */
  readonly ran: string[];
  told: string | undefined;
}

/** What a run amounts to. */
export interface Verdict {
  readonly begun: number;
  readonly executions: number;
  /** Calls by what their caller was told of them; `nobody was told`: the caller was killed. */
  readonly told: Readonly<Record<string, number>>;
  /** Idempotent calls that more than one life ran. */
  readonly repeated: number;
  /** Lives of the server that ran anything. */
  readonly servers: number;
  readonly violations: readonly string[];
}

const VIOLATIONS_MAX = 20;

/** Reads a book from its start and checks it: what was told against what was run. */
export class Auditor {
  /** By caller, then by number. */
  readonly #calls = new Map<string, Call[]>();
  /** By executor, caller and channel: the number of the last call that ran. */
  readonly #last = new Map<string, number>();
  readonly #servers = new Set<string>();
  readonly #violations: string[] = [];
  #executions = 0;

  /** Gives the verdict on the book in a file. */
  static async read(path: string): Promise<Verdict> {
    const auditor = new Auditor();
    const lines = createInterface({ input: createReadStream(path), crlfDelay: Infinity });
    for await (const line of lines) auditor.take(line);
    return auditor.verdict();
  }

  /** Takes the next line (book.ts). */
  take(line: string): void {
    const [who = '', verb = '', key = '', ...rest] = line.split(' ');
    if (verb === 'complains') return this.#violation(line);
    const dot = key.lastIndexOf('.');
    const [caller, number] = [key.slice(0, dot), Number(key.slice(dot + 1))];
    if (verb === 'began') {
      const calls = this.#calls.get(caller) ?? [];
      if (calls.length !== number) this.#violation(`${line}: after ${calls.length} calls`);
      const [channel = '', how] = rest;
      calls.push({ channel, idempotent: how === 'idempotent', ran: [], told: undefined });
      this.#calls.set(caller, calls);
      return;
    }
    const call = this.#calls.get(caller)?.[number];
    if (call === undefined) return this.#violation(`${line}: was never made`);
    if (verb === 'ran') this.#ran(line, call, { who, caller, number });
    else if (verb === 'told') this.#told(line, call, rest);
    else this.#violation(`${line}: is no entry`);
  }

  verdict(): Verdict {
    const told: Record<string, number> = {};
    let [begun, repeated] = [0, 0];
    for (const [caller, calls] of this.#calls) {
      for (const [number, call] of calls.entries()) {
        begun += 1;
        const outcome = call.told ?? 'nobody was told';
        told[outcome] = (told[outcome] ?? 0) + 1;
        if (call.ran.length > 1) repeated += 1;
        const wrong = untrue(call);
        if (wrong !== undefined) this.#violation(`${caller}.${number} ${wrong}`);
      }
    }
    return {
      begun,
      executions: this.#executions,
      told,
      repeated,
      servers: this.#servers.size,
      violations: this.#violations,
    };
  }

  #ran(
    line: string,
    call: Call,
    { who, caller, number }: { who: string; caller: string; number: number },
  ): void {
    this.#executions += 1;
    if (who.startsWith('s')) this.#servers.add(who);
    if (call.ran.includes(who)) this.#violation(`${line}: for the second time here`);
    else if (call.ran.length > 0 && !call.idempotent) this.#violation(`${line}: ran before`);
    call.ran.push(who);
    if (call.channel === '-') return;
    const place = `${who} ${caller} ${call.channel}`;
    const last = this.#last.get(place) ?? -1;
    if (number <= last) this.#violation(`${line}: after ${caller}.${last} of the same channel`);
    this.#last.set(place, number);
  }

  #told(line: string, call: Call, [outcome = '', by]: readonly string[]): void {
    if (call.told !== undefined) this.#violation(`${line}: told twice`);
    call.told = outcome;
    // Entered before it was answered: so it stands before this line, or never will.
    if (outcome === 'done' && !call.ran.includes(by!)) this.#violation(`${line}: did not run`);
    if (outcome === 'wrong') this.#violation(line);
  }

  #violation(what: string): void {
    if (this.#violations.length < VIOLATIONS_MAX) this.#violations.push(what);
  }
}

/** What is untrue of what a caller was told. */
function untrue({ told, ran }: Call): string | undefined {
  switch (told) {
    case 'not-sent':
    case 'not-executed':
      return ran.length === 0 ? undefined : `was told ${told}, and ran at ${ran.join(', ')}`;
    case 'done':
    case 'executed':
      return ran.length > 0 ? undefined : `was told ${told}, and never ran`;
    case 'unknown':
    case undefined:
      return undefined;
    default:
      return `was told ${told}`;
  }
}
