import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { ExecutionContext } from 'ava';
import { isConnectorError } from '../../core/errors.ts';
import { listPids, readEntry } from '../../agents/proc/procfs.ts';
import { watchProcesses, type ProcWatch, type WatchOptions } from '../../agents/proc/proc.ts';

/** A shell that does what it is told, line by line, and says when it is done. */
export class Shell {
  readonly #child: ChildProcess = spawn('sh', {
    stdio: ['pipe', 'pipe', 'ignore'],
    detached: true,
  });
  readonly #lines: AsyncIterator<string>;

  constructor() {
    this.#lines = createInterface(this.#child.stdout!)[Symbol.asyncIterator]();
  }

  get pid(): number {
    return this.#child.pid!;
  }

  /** Runs a line of commands; gives what it printed in one line. */
  async run(commands: string): Promise<string> {
    this.#child.stdin!.write(`${commands}; echo\n`);
    const { value } = await this.#lines.next();
    return String(value);
  }

  /** Forks so often, one process at a time. */
  async storm(forks: number): Promise<void> {
    await this.run(`i=0; while [ $i -lt ${forks} ]; do (:); i=$((i+1)); done`);
  }

  /** Ends it and all that it started: they are a group of their own. */
  async end(): Promise<void> {
    const closed = once(this.#child, 'close');
    process.kill(-this.pid, 'SIGKILL');
    await closed;
  }
}

/** Watches, or says why that cannot be done here. */
export async function watching(
  t: ExecutionContext,
  options: WatchOptions = {},
): Promise<ProcWatch | undefined> {
  try {
    return await watchProcesses(options);
  } catch (error) {
    if (!isConnectorError(error, 'unavailable', 'refused')) throw error;
    t.log(`skipped: ${error.message}`);
    t.pass();
    return undefined;
  }
}

/** Who lives by /proc, now, in order. */
export function livingByProc(): number[] {
  return listPids().filter((pid) => readEntry(pid, 0) !== undefined).sort((a, b) => a - b);
}

/** The kernel's drop counter of a connector socket, as it shows it to everybody. */
export function dropsByProc(portid: number): number | undefined {
  for (const line of readFileSync('/proc/net/netlink', 'latin1').split('\n')) {
    const [, protocol, pid, , , , , , drops] = line.trim().split(/\s+/);
    if (protocol === '11' && Number(pid) === portid) return Number(drops);
  }
  return undefined;
}
