/** The command line is wrong. The message is one sentence: the option, and what it takes. */
export class Misuse extends Error {}

/** A command did its work and the result is bad. Exit code 1, as for a `ConnectorError`. */
export class Failure extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}
