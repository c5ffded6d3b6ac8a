import { execFileSync } from 'node:child_process';
import { setTimeout } from 'node:timers/promises';

/**
 * Runs one test and prints how it went, in a line that the host reads. Tests of a file run one
 * after the other, and a failed one does not keep the next from running.
 */
export async function check(name: string, body: () => unknown): Promise<void> {
  const start = performance.now();
  try {
    await body();
    const tookMs = Math.round(performance.now() - start);
    process.stdout.write(`ok ${name} (${tookMs} ms)\n`);
  } catch (error) {
    process.exitCode = 1;
    const lines = (error instanceof Error ? (error.stack ?? error.message) : `${error}`).split(
      '\n',
    );
    process.stdout.write(`not ok ${name}\n${lines.map((line) => `# ${line}\n`).join('')}`);
  }
}

/** Prints a remark that a person is to see. */
export function note(text: string): void {
  process.stdout.write(`# ${text}\n`);
}

/** Loads a kernel module, with what it needs; `parameters` as `name=value`. */
export function load(module: string, ...parameters: string[]): void {
  execFileSync('modprobe', [module, ...parameters]);
}

/** Unloads a kernel module; throws if it is in use. */
export function unload(module: string): void {
  execFileSync('rmmod', [module]);
}

/** Waits for what the kernel does by itself and tells nobody. Throws after 10 s. */
export async function until(condition: () => boolean): Promise<void> {
  for (let tries = 0; tries < 1000; tries++) {
    if (condition()) return;
    await setTimeout(10);
  }
  throw new Error(`10 s, and not yet: ${condition}`);
}
