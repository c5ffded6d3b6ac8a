import { parseArgs, type ParseArgsConfig } from 'node:util';
import type { Kind } from './kinds.ts';
import { Misuse } from './misuse.ts';

/** One option of a command. */
export interface Option<T> {
  /** Absent for a flag, which takes no value. */
  readonly kind: Kind<T> | undefined;
  readonly help: string;
  /** The value where the option is not given. */
  readonly fallback: T;
  readonly needed: boolean;
}

export type OptionTable = Readonly<Record<string, Option<unknown>>>;

export type Values<O extends OptionTable> = {
  readonly [Name in keyof O]: O[Name] extends Option<infer T> ? T : never;
};

export interface Parsed<O extends OptionTable> {
  readonly values: Values<O>;
  readonly positionals: readonly string[];
}

export function flag(help: string): Option<boolean> {
  return { kind: undefined, help, fallback: false, needed: false };
}

export function option<T>(kind: Kind<T>, help: string, fallback: T): Option<T> {
  return { kind, help, fallback, needed: false };
}

export function optional<T>(kind: Kind<T>, help: string): Option<T | undefined> {
  return { kind, help, fallback: undefined, needed: false };
}

export function needed<T>(kind: Kind<T>, help: string): Option<T> {
  // The fallback is never read: `parse` throws where a needed option is missing.
  return { kind, help, fallback: undefined as T, needed: true };
}

/** The options that every command has. */
export const common: { readonly [Name in 'json' | 'help' | 'version']: Option<boolean> } = {
  json: flag('Print JSON instead of text.'),
  help: flag('Print this help.'),
  version: flag('Print the version.'),
};

const shorts: Readonly<Record<string, string>> = { help: 'h', version: 'V' };

/**
 * Reads a command's arguments. Throws `Misuse` for an unknown option, one given twice, a missing or
 * superfluous value, or a value that is not what the option takes.
 *
 * parseArgs only splits: with `strict` it would refuse `--calls -1` with three lines about
 * ambiguity, where the same checks on its tokens can say what the option takes.
 */
export function parse<O extends OptionTable>(options: O, args: readonly string[]): Parsed<O> {
  const { tokens } = parseArgs({
    args: [...args],
    options: config(options),
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const values = new Map<string, unknown>();
  const positionals: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'positional') positionals.push(token.value);
    if (token.kind !== 'option') continue;
    const { name, rawName, value } = token;
    const known = Object.hasOwn(options, name) ? options[name] : undefined;
    if (known === undefined) throw new Misuse(`there is no option ${rawName}`);
    if (values.has(name)) throw new Misuse(`--${name} is given twice`);
    values.set(name, read(name, known, value));
  }
  for (const [name, { fallback, needed: missing, kind }] of Object.entries(options)) {
    if (values.has(name)) continue;
    if (missing) throw new Misuse(`--${name} ${kind?.placeholder ?? ''} is needed`);
    values.set(name, fallback);
  }
  return { values: Object.fromEntries(values) as Values<O>, positionals };
}

/** True if an option stands among the arguments, whatever else is wrong with them. */
export function asksFor(name: 'help' | 'version', args: readonly string[]): boolean {
  const end = args.indexOf('--');
  const before = end === -1 ? args : args.slice(0, end);
  return before.includes(`--${name}`) || before.includes(`-${shorts[name]}`);
}

function read(name: string, known: Option<unknown>, value: string | undefined): unknown {
  const { kind } = known;
  if (kind === undefined) {
    if (value !== undefined) throw new Misuse(`--${name} takes no value`);
    return true;
  }
  if (value === undefined) throw new Misuse(`--${name} takes ${kind.expects}, and none is given`);
  const result = kind.read(value);
  if (result === undefined) throw new Misuse(`--${name} takes ${kind.expects}, not "${value}"`);
  return result;
}

function config(options: OptionTable): NonNullable<ParseArgsConfig['options']> {
  const entries = Object.entries(options).map(([name, { kind }]) => {
    const short = shorts[name];
    const type = kind === undefined ? 'boolean' : 'string';
    return [name, { type, ...(short === undefined ? {} : { short }) }] as const;
  });
  return Object.fromEntries(entries);
}
