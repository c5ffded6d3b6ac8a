import { createRequire } from 'node:module';
import type { Command } from './command.ts';
import { call } from './commands/call.ts';
import { decode } from './commands/decode.ts';
import { kernelPing } from './commands/kernel-ping.ts';
import { proc } from './commands/proc.ts';
import { serve } from './commands/serve.ts';
import { simulate } from './commands/simulate.ts';
import { stress } from './commands/stress.ts';
import { commandHelp, programHelp } from './help.ts';
import { Failure, Misuse } from './misuse.ts';
import { asksFor } from './options.ts';
import type { Shell } from './shell.ts';
import { isConnectorError } from '../core/errors.ts';

const commands: readonly Command[] = [stress, serve, call, kernelPing, proc, decode, simulate];

const OK = 0;
const FAILED = 1;
const MISUSED = 2;

/** Runs the command that the arguments name; gives the exit code. */
export async function run(args: readonly string[], shell: Shell): Promise<number> {
  const command = commands.find(({ name }) => startsWith(args, name));
  if (asksFor('help', args) || args[0] === 'help') {
    shell.text(...(command === undefined ? programHelp(commands) : commandHelp(command)));
    return OK;
  }
  if (asksFor('version', args)) {
    shell.text(version());
    return OK;
  }
  try {
    if (command === undefined) throw new Misuse(noCommand(args));
    return await command.run(args.slice(command.name.split(' ').length), shell);
  } catch (error) {
    if (!(error instanceof Misuse)) return failed(error, shell);
    const about = command === undefined ? '' : `${command.name} `;
    shell.complain(`${error.message} (see cnrpc ${about}--help)`);
    return MISUSED;
  }
}

/** Reports a failure on stderr and, where JSON is wanted, on stdout too. */
function failed(error: unknown, shell: Shell): number {
  if (shell.readerGone) return FAILED; // cut short by its reader, which knows
  if (isConnectorError(error)) {
    const { code, outcome, message } = error;
    const known = outcome === undefined ? '' : ` (outcome: ${outcome})`;
    if (shell.json) shell.object({ error: { code, outcome, message } });
    shell.complain(message + known);
  } else if (error instanceof Failure) {
    const { code, message } = error;
    if (shell.json) shell.object({ error: { code, message } });
    shell.complain(message);
  } else {
    // Nothing that a user does leads here: the stack is for whoever mends it.
    shell.complain(`an error of cnrpc itself: ${error instanceof Error ? error.stack : error}`);
  }
  return FAILED;
}

function startsWith(args: readonly string[], name: string): boolean {
  return name.split(' ').every((word, at) => args[at] === word);
}

function noCommand(args: readonly string[]): string {
  const [first] = args;
  const names = commands.map(({ name }) => name).join(', ');
  if (first === undefined) return `a command is needed: ${names}`;
  if (first.startsWith('-')) return `a command stands before the options: ${names}`;
  const family = commands.filter(({ name }) => name.startsWith(`${first} `));
  if (family.length > 0) {
    return `the commands of ${first} are: ${family.map(({ name }) => name).join(', ')}`;
  }
  return `there is no command "${first}", only ${names}`;
}

function version(): string {
  const manifest: unknown = createRequire(import.meta.url)('connector-rpc/package.json');
  return (manifest as { readonly version: string }).version;
}
