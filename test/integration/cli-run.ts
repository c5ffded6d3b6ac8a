import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface, type Interface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { isConnectorError } from '../../core/errors.ts';
import { openNetlink } from '../../transport/netlink/netlink.ts';

/** Runs the compiled command line as its users do: as a process. */

export const main: string = fileURLToPath(new URL('../../cli/main.js', import.meta.url));

/** The Python peers are not compiled: they are where the sources are. */
export function peerScript(name: string): string {
  return fileURLToPath(new URL(`../../../test/integration/peers/${name}`, import.meta.url));
}

export interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Run {
  readonly input?: string;
  /** What to put before `node`: another program that starts it. */
  readonly through?: readonly string[];
}

/** Runs `cnrpc` to its end. */
export function cnrpc(args: readonly string[], run: Run = {}): Promise<Finished> {
  const { input, through = [] } = run;
  const [program, ...rest] = [...through, process.execPath, main, ...args];
  return new Promise((resolve, reject) => {
    const options = { maxBuffer: 2 ** 26, cwd: '/' };
    const child = execFile(program!, rest, options, (error, stdout, stderr) => {
      if (error !== null && child.exitCode === null) reject(error);
      else resolve({ code: child.exitCode ?? 0, stdout, stderr });
    });
    child.stdin!.end(input ?? '');
  });
}

/** A program that runs until it is told to end. */
export class Running {
  readonly child: ChildProcess;
  complaints = '';
  readonly #lines: AsyncIterator<string>;
  readonly #reader: Interface;

  constructor(program: string, args: readonly string[]) {
    this.child = spawn(program, args, { stdio: 'pipe' });
    this.child.stderr!.on('data', (text: Buffer) => (this.complaints += text.toString()));
    this.#reader = createInterface(this.child.stdout!);
    this.#lines = this.#reader[Symbol.asyncIterator]();
  }

  /** The next line on stdout. */
  async line(): Promise<string> {
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error(`the program ended without a line: ${this.complaints}`);
    return value as string;
  }

  /** Sends a signal and waits until the process and all that hold its streams have ended. */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    const closed = once(this.child, 'close');
    this.child.kill(signal);
    const [code] = await closed;
    return code as number | null;
  }

  /** Closes the program's stdin and waits for its last line. */
  async finish(): Promise<string> {
    this.child.stdin!.end();
    const line = await this.line();
    if (this.child.exitCode === null) await once(this.child, 'exit');
    return line;
  }

  /** Does nothing to a program that has ended. */
  kill(): void {
    this.#reader.close();
    this.child.kill('SIGKILL');
  }
}

export function running(args: readonly string[]): Running {
  return new Running(process.execPath, [main, ...args]);
}

/** Why netlink is not to be had; undefined where it is. */
export function noNetlink(): string | undefined {
  try {
    openNetlink().close();
    return undefined;
  } catch (error) {
    if (isConnectorError(error, 'unavailable', 'refused')) return error.message;
    throw error;
  }
}

/** Why the program cannot be run; undefined where it can. */
export function cannotRun(program: string, args: readonly string[]): Promise<string | undefined> {
  return new Promise((resolve) => {
    execFile(program, args, { cwd: '/' }, (error) => {
      resolve(error === null ? undefined : `${program}: ${error.message.trim()}`);
    });
  });
}

export function parsed(line: string): Record<string, unknown> {
  return JSON.parse(line) as Record<string, unknown>;
}
