import type { GuestTest } from './guest/list.ts';

/** Counts what the guest reports. What it should have reported and did not is a failure. */
export class Tally {
  passed = 0;
  failed = 0;
  readonly #left: Set<string>;
  #now = '';
  #passedBefore = 0;
  #failedBefore = 0;

  constructor(tests: readonly GuestTest[]) {
    this.#left = new Set(tests.map(({ file }) => file));
  }

  /** Takes one line of the guest; gives what a person is to see of it, or nothing. */
  line(text: string): string | undefined {
    const [, what, rest] = /^(ok|not ok|#|begin|end) (.*?)\s*$/.exec(text) ?? [];
    switch (what) {
      case 'begin':
        this.#now = rest!;
        this.#passedBefore = this.passed;
        this.#failedBefore = this.failed;
        return undefined;
      case 'ok':
        this.passed += 1;
        return `ok ${this.#now}: ${rest}`;
      case 'not ok':
        this.failed += 1;
        return `NOT OK ${this.#now}: ${rest}`;
      case '#':
        return `   ${rest}`;
      case 'end':
        return this.#ended(rest!);
      default:
        return undefined;
    }
  }

  /** The guest is gone: what has not ended never will. Gives the names. */
  over(): string[] {
    this.failed += this.#left.size;
    return [...this.#left];
  }

  #ended(rest: string): string | undefined {
    const [file = '', status] = rest.split(' ');
    this.#left.delete(file);
    if (this.failed > this.#failedBefore) return undefined;
    if (status === '0' && this.passed > this.#passedBefore) return undefined;
    this.failed += 1;
    return `NOT OK ${file}: ended with code ${status} (137: took too long)`;
  }
}
