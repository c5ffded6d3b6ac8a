import type { ExecutionContext } from 'ava';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../package-root.ts';

/**
 * Compares a table that depends on no machine with the one that was accepted, in the folder
 * `golden`: a change of the text is a change of behaviour, and fails with what differs. To accept
 * it: `npm run golden`.
 */
export function isAccepted(t: ExecutionContext, name: string, text: string): void {
  const file = join(packageRoot, 'test', 'simulation', 'golden', name);
  if (process.env['CNRPC_GOLDEN'] === 'write') writeFileSync(file, text);
  const accepted = readFileSync(file, 'utf8');
  if (text === accepted) t.pass();
  else {
    const changes = difference(accepted, text);
    t.fail(`the table has changed\n${changes}\nTo accept it: npm run golden`);
  }
}

/**
 * The two texts side by side, only where they differ, below the headings that both have there: a
 * heading is a line after an empty one that is not indented.
 */
function difference(old: string, now: string): string {
  const [before, after] = [old.split('\n'), now.split('\n')];
  const lines: string[] = [];
  let heading: string | undefined;
  for (let index = 0; index < Math.max(before.length, after.length); index++) {
    if (before[index] === after[index]) {
      if (before[index - 1] === '' && /^\S/.test(before[index]!)) heading = before[index];
      continue;
    }
    if (heading !== undefined) lines.push(`  ${heading}`);
    heading = undefined;
    if (before[index] !== undefined) lines.push(`- ${before[index]}`);
    if (after[index] !== undefined) lines.push(`+ ${after[index]}`);
  }
  return lines.join('\n');
}
