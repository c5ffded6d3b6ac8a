import { common, parse, type OptionTable, type Values } from './options.ts';
import type { Shell } from './shell.ts';

/** A command as the program sees it. */
export interface Command {
  /** One or two words: `stress`, `kernel ping`. */
  readonly name: string;
  /** What follows the options in the usage line. */
  readonly operands: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** Paragraphs for the command's own help. */
  readonly details: readonly string[];
  readonly options: OptionTable;
  /** Runs with the arguments after its name; gives the exit code. Throws `Misuse` and failures. */
  readonly run: (args: readonly string[], shell: Shell) => Promise<number>;
}

export interface CommandParts<O extends OptionTable> extends Omit<Command, 'options' | 'run'> {
  readonly options: O;
  readonly run: (
    values: Values<O>,
    operands: readonly string[],
    shell: Shell,
  ) => Promise<number>;
}

/** Ties a command's options to the types of their values. */
export function command<O extends OptionTable>(parts: CommandParts<O>): Command {
  const options = { ...parts.options, ...common };
  return {
    ...parts,
    options,
    run: async (args, shell) => {
      const { values, positionals } = parse(options, args);
      shell.json = (values as Values<typeof common>).json;
      return parts.run(values, positionals, shell);
    },
  };
}
