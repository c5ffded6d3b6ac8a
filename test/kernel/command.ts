import { execFile } from 'node:child_process';

/** What cannot be had on this machine: no reason to call the tests failed. */
export class Unavailable extends Error {}

/** No command that prepares the machine takes longer, unless the network hangs. */
const LIMIT_MS = 300_000;

/** Says where and how a command runs. */
export interface CommandOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
}

/** Runs a command to its end; gives what it printed. Throws with the end of its complaints. */
export function run(
  command: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const settings = {
      ...options,
      timeout: LIMIT_MS,
      killSignal: 'SIGKILL',
      encoding: 'buffer',
      maxBuffer: 1 << 28,
    } as const;
    execFile(command, args, settings, (error, stdout, stderr) => {
      if (error === null) return resolve(stdout);
      const end = Buffer.concat([stdout, stderr]).toString().trim().split('\n').slice(-15);
      const why = error.killed ? `ended after ${LIMIT_MS} ms` : `code ${error.code}`;
      reject(new Error(`${command} ${args.join(' ')}: ${why}\n${end.join('\n')}`));
    });
  });
}

/** Whether a command is installed. */
export async function installed(command: string): Promise<boolean> {
  const search = { env: { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin:/sbin` } };
  return run('sh', ['-c', 'command -v "$1"', 'sh', command], search).then(
    () => true,
    () => false,
  );
}
