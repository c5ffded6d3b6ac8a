import { createHash } from 'node:crypto';

/** A line of a trace is for wide terminals: it says more than the help does. */
const COLUMNS = 100;
const TIME = 11;
const WHO = 6;

/** What a line of a trace means. */
export const legend: readonly string[] = [
  'time ms     who    what happened; A.2 is endpoint A, started for the second time, H the hostile',
  '                   peer, #7 the call of that number; net is the network, ! a violation',
];

/** Takes the notable events of a seed; gives a digest of all, and the lines if they are wanted. */
export class Trace {
  readonly #now: () => number;
  readonly #print: ((line: string) => void) | undefined;
  readonly #hash = createHash('sha256');

  constructor(now: () => number, print: ((line: string) => void) | undefined) {
    this.#now = now;
    this.#print = print;
  }

  note(who: string, what: string): void {
    const time = this.#now().toFixed(3).padStart(TIME - 1);
    const line = `${time}  ${who.padEnd(WHO)} ${what}`.slice(0, COLUMNS);
    this.#hash.update(`${line}\n`);
    this.#print?.(line);
  }

  /** The digest of all lines; ends the trace. */
  digest(): string {
    return this.#hash.digest('hex').slice(0, 16);
  }
}
