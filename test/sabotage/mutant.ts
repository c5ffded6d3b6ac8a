import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import {
  cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Fault } from './fault.ts';
import { packageRoot } from '../package-root.ts';

/** The compiled package that this file is part of. */
const compiled = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

/** What the tests said of a copy. */
export interface Verdict {
  /** The first test that failed, or `time`; undefined: all passed. */
  readonly caughtBy: string | undefined;
  readonly tookMs: number;
}

/** A copy of the compiled package in a temporary folder, to be broken in one place at a time. */
export class Mutant {
  readonly #folder: string;
  #child: ChildProcess | undefined;
  readonly #exit = (): void => this.remove();

  constructor() {
    this.#folder = mkdtempSync(join(tmpdir(), 'cnrpc-sabotage-'));
    process.on('exit', this.#exit); // nothing stays behind if this process is stopped
    cpSync(compiled, join(this.#folder, 'dist'), { recursive: true });
    cpSync(join(packageRoot, 'package.json'), join(this.#folder, 'package.json'));
    for (const path of ['test/vectors', 'test/simulation/golden']) {
      const from = join(packageRoot, path);
      if (existsSync(from)) cpSync(from, join(this.#folder, path), { recursive: true });
    }
    const modules = join(packageRoot, 'node_modules');
    symlinkSync(modules, join(this.#folder, 'node_modules'));
  }

  /** Puts the fault in; gives what takes it out again. Throws if it does not fit in one place. */
  apply(fault: Fault): () => void {
    const file = join(this.#folder, 'dist', fault.file);
    const code = readFileSync(file, 'utf8');
    writeFileSync(file, sabotage(code, fault));
    const undo = (): void => writeFileSync(file, code);
    // What does not even load would be caught by anything.
    const { status, stderr } = spawnSync(process.execPath, ['--check', file], { encoding: 'utf8' });
    if (status === 0) return undo;
    undo();
    throw new Error(`"${fault.name}" is no JavaScript: ${stderr}`);
  }

  /** Runs test files, named from dist/test/ without `.test.js`, until one test fails. */
  run(checks: readonly string[], limitMs: number): Promise<Verdict> {
    const ava = join(packageRoot, 'node_modules', 'ava', 'entrypoints', 'cli.mjs');
    const files = checks.map((check) => `dist/test/${check}.test.js`);
    const start = performance.now();
    const child = spawn(process.execPath, [ava, '--tap', '--fail-fast', ...files], {
      cwd: this.#folder,
      env: { ...process.env, NODE_OPTIONS: '' },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    this.#child = child;
    let output = '';
    child.stdout.setEncoding('utf8');
    child.stdout.on('data', (text: string) => {
      output += text;
    });
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      child.kill('SIGKILL'); // its workers are threads, and end with it
    }, limitMs);
    return new Promise((resolve) => {
      child.on('close', (code) => {
        clearTimeout(timer);
        this.#child = undefined;
        const failed = /^not ok \d+ - (.*)$/m.exec(output)?.[1];
        const passed = code === 0 ? undefined : (failed ?? 'a crash');
        resolve({ caughtBy: late ? 'time' : passed, tookMs: performance.now() - start });
      });
    });
  }

  remove(): void {
    process.off('exit', this.#exit);
    this.#child?.kill('SIGKILL');
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** The code with the fault in it. White space in `find` stands for any: compilers lay out anew. */
export function sabotage(code: string, { name, file, find, replace }: Fault): string {
  const words = find.trim().split(/\s+/).map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  const matches = [...code.matchAll(new RegExp(words.join('\\s+'), 'g'))];
  const [match] = matches;
  if (match === undefined || matches.length > 1) {
    throw new Error(`"${name}" fits in ${matches.length} places of ${file}`);
  }
  // A statement that goes leaves an empty one: it may be the whole body of an `if`.
  const put = replace === '' && find.endsWith(';') ? ';' : replace;
  return code.slice(0, match.index) + put + code.slice(match.index + match[0].length);
}

/** Of the test files named, those that exist: a fault may name what is not there any more. */
export function existing(checks: readonly string[]): string[] {
  return checks.filter((check) => existsSync(join(compiled, 'test', `${check}.test.js`)));
}
