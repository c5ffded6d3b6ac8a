/**
 * What surrounds a command: its streams and its signals. Results go to stdout, as text or as JSON;
 * everything about how it went goes to stderr.
 */
export class Shell {
  /** Whether the caller wants JSON. */
  json = false;
  #interruption: AbortController | undefined;
  #readerGone = false;

  constructor() {
    process.stdout.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
      // Nobody reads any more, as in `… | head -1`: no reason for a stack, but for ending a stream.
      this.#readerGone = true;
      this.#interruption?.abort();
    });
    process.stderr.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
    });
  }

  /** Whether nobody reads stdout any more. */
  get readerGone(): boolean {
    return this.#readerGone;
  }

  /** Prints lines for people. */
  text(...lines: readonly string[]): void {
    if (!this.#readerGone) process.stdout.write(`${lines.join('\n')}\n`);
  }

  /** Prints one object on one line. */
  object(value: object): void {
    if (!this.#readerGone) process.stdout.write(`${JSON.stringify(value)}\n`);
  }

  /** Says on stderr what went wrong, in one sentence. */
  complain(sentence: string): void {
    process.stderr.write(`cnrpc: ${sentence}\n`);
  }

  /**
   * Aborts at the first SIGINT or SIGTERM, and when nobody reads stdout any more. Whoever asks for
   * it must end soon after it aborts; the second signal ends the process.
   */
  get interruption(): AbortSignal {
    if (this.#interruption === undefined) {
      const controller = new AbortController();
      this.#interruption = controller;
      if (this.#readerGone) controller.abort();
      const stop = (): void => {
        process.off('SIGINT', stop).off('SIGTERM', stop);
        controller.abort();
      };
      process.on('SIGINT', stop).on('SIGTERM', stop);
    }
    return this.#interruption.signal;
  }
}
