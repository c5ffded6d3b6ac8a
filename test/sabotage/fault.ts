/** A small mistake in the compiled code, such as anyone might make. */
export interface Fault {
  /** What the code then does wrong. */
  readonly name: string;
  /** The compiled file, from dist/. */
  readonly file: string;
  /** What is replaced; it stands there exactly once. */
  readonly find: string;
  readonly replace: string;
  /** The tests that most likely notice, from dist/test/ and without `.test.js`. */
  readonly checks: readonly string[];
}

/** The faults of one file: name, what is replaced, by what, and who should notice. */
export function faultsIn(
  file: string,
  checks: readonly string[],
  faults: readonly (readonly [name: string, find: string, replace: string, ...checks: string[]])[],
): Fault[] {
  return faults.map(([name, find, replace, ...own]) => {
    return { name, file, find, replace, checks: own.length > 0 ? own : checks };
  });
}
