import type { Command } from './command.ts';
import { common, type Option, type OptionTable } from './options.ts';

/** What a terminal surely shows without wrapping. */
export const COLUMNS = 80;
const INDENT = 26;

/** The help of the whole program. */
export function programHelp(commands: readonly Command[]): string[] {
  return [
    'Usage: cnrpc COMMAND [options]',
    '',
    ...wrap('Reliable calls over the Linux kernel connector, netlink and a simulated network.'),
    '',
    'Commands:',
    ...commands.flatMap(({ name, summary }) => entry(name, summary)),
    '',
    'Options:',
    ...optionLines({ help: common.help, version: common.version }),
    '',
    ...wrap('cnrpc COMMAND --help tells more. The exit code is 0 if all went well, 1 if not, 2 if '
      + 'the command line is wrong.'),
  ];
}

/** The help of one command. */
export function commandHelp(command: Command): string[] {
  const { name, operands, details, options } = command;
  return [
    `Usage: cnrpc ${name} [options]${operands === '' ? '' : ` ${operands}`}`,
    '',
    ...details.flatMap((paragraph) => [...wrap(paragraph), '']),
    'Options:',
    ...optionLines(options),
  ];
}

/** Breaks a text into lines between words. */
export function wrap(text: string, width: number = COLUMNS): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (longer.length <= width || line === '') {
      line = longer;
    } else {
      lines.push(line);
      line = word;
    }
  }
  return [...lines, line];
}

/** The options as lines of a help. */
export function optionLines(options: OptionTable): string[] {
  return Object.entries(options).flatMap(([name, option]) => {
    const { kind } = option;
    const head = kind === undefined ? `--${name}` : `--${name} ${kind.placeholder}`;
    return entry(head, option.help + fallbackNote(option));
  });
}

function fallbackNote({ kind, fallback, needed }: Option<unknown>): string {
  if (needed) return ' Needed.';
  if (kind === undefined || fallback === undefined) return '';
  const shown = typeof fallback === 'object' && fallback !== null
    ? Object.values(fallback).join('..')
    : String(fallback);
  return ` Default: ${shown}.`;
}

/** A term and its explanation in two columns; a long term has a line for itself. */
function entry(term: string, explanation: string): string[] {
  const lines = wrap(explanation, COLUMNS - INDENT).map((line) => ' '.repeat(INDENT) + line);
  const head = `  ${term}`;
  if (head.length > INDENT - 2) return [head, ...lines];
  return [head.padEnd(INDENT) + lines[0]!.trimStart(), ...lines.slice(1)];
}
