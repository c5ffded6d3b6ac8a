import { Misuse } from './misuse.ts';

/** Throws `Misuse` unless a command that takes options only is given options only. */
export function noOperands(operands: readonly string[]): void {
  if (operands[0] !== undefined) throw new Misuse(`"${operands[0]}" is one argument too many`);
}
