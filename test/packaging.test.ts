import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import { packageRoot } from './package-root.ts';

const run = promisify(execFile);
const read = (path: string): string => readFileSync(join(packageRoot, path), 'utf8');
const manifest = JSON.parse(read('package.json')) as {
  readonly bin: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
};

test('everything that package.json names is there', (t) => {
  for (const target of Object.values(manifest.exports)) {
    const paths = typeof target === 'string' ? [target] : Object.values(target);
    for (const path of paths) t.true(existsSync(join(packageRoot, path)), path);
  }
  for (const path of Object.values(manifest.bin)) {
    t.true(read(path).startsWith('#!/usr/bin/env node\n'), `${path} starts node`);
  }
});

test('every dependency has one exact version', (t) => {
  for (const versions of [manifest.dependencies, manifest.devDependencies]) {
    for (const [name, version] of Object.entries(versions)) {
      t.regex(version, /^\d+\.\d+\.\d+$/, name);
    }
  }
});

test('the package holds what users need, and no tests', async (t) => {
  const { stdout } = await run('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: packageRoot,
  });
  const parsed = JSON.parse(stdout) as unknown;
  // npm 12 gives an object by package name where npm 11 gives a list.
  const [packed] = Object.values(parsed as Record<string, unknown>) as {
    readonly files: readonly { readonly path: string }[];
  }[];
  const paths = packed!.files.map((file) => file.path);
  for (const path of ['dist/index.js', 'dist/index.d.ts', 'dist/cli/main.js', 'README.md']) {
    t.true(paths.includes(path), path);
  }
  t.deepEqual(paths.filter((path) => /^dist\/(test|bench)\//.test(path)), []);
});

test('each entry point imports, and the root without a native binding', async (t) => {
  const names = Object.keys(manifest.exports).filter((name) => name !== './package.json');
  const imports = names.map((name) => `await import('connector-rpc${name.slice(1)}');`).join('\n');
  const script = `${imports}
    const loaded = process.report.getReport().sharedObjects.filter((path) => /koffi/.test(path));
    console.log(loaded.length);`;
  const args = ['--input-type=module', '--eval', script];
  const { stdout } = await run(process.execPath, args, { cwd: packageRoot });
  t.is(stdout.trim(), '0');
});

test("the README's first call is the example that runs, and is ten lines", (t) => {
  const block = /<!-- example: (\S+) -->\n```ts\n([\s\S]*?)```/.exec(read('README.md'));
  t.truthy(block);
  t.is(block![2], read(block![1]!));
  const lines = block![2]!.split('\n').filter((line) => line !== '' && !line.startsWith('import'));
  t.true(lines.length <= 10, `${lines.length} lines`);
});

test('the simulated example gives the same history for the same seed', async (t) => {
  const example = join(packageRoot, 'dist/examples/simulated.js');
  const first = await run(process.execPath, [example, '7']);
  const second = await run(process.execPath, [example, '7']);
  const other = await run(process.execPath, [example, '8']);
  t.true(first.stdout.includes('100 calls, 100 executions'), first.stdout);
  t.is(first.stdout, second.stdout);
  t.not(first.stdout.split('\n')[1], other.stdout.split('\n')[1]);
});

test('the example of events accounts for every event', async (t) => {
  const example = join(packageRoot, 'dist/examples/events.js');
  const { stdout } = await run(process.execPath, [example, '7']);
  const [, received, missed] = /(\d+) received, (\d+) missed/.exec(stdout) ?? [];
  t.is(Number(received) + Number(missed), 100, stdout);
  t.true(Number(missed) > 0, stdout);
});

test("the 2005 text's example tells of its module and what it sends each second", async (t) => {
  const example = join(packageRoot, 'dist/examples/connector-module.js');
  const { stdout } = await run(process.execPath, [example]);
  t.deepEqual(stdout.trimEnd().split('\n').slice(1), [
    '0 s: seq 0: cn_test is on',
    '1 s: seq 0: counter = 0',
    '2 s: seq 1: counter = 1',
    '3 s: seq 2: counter = 2',
    '3 s: seq 0: cn_test is off',
  ]);
  t.regex(stdout, /^ {2}module: seq=\d+ ack=random len=0\n/);
});
