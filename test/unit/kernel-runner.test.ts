import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { CpioWriter } from '../kernel/cpio.ts';
import { Tally } from '../kernel/tally.ts';
import { packageRoot } from '../package-root.ts';

// What `npm run test:kernel` makes of a guest's words, and of a machine that has no emulator.

const files = [
  { file: 'one', seconds: 1 },
  { file: 'two', seconds: 1 },
];

function tally(...lines: string[]): { counts: [number, number]; left: string[]; shown: string[] } {
  const counting = new Tally(files);
  const shown = lines.flatMap((line) => counting.line(`${line}\r`) ?? []);
  const left = counting.over();
  return { counts: [counting.passed, counting.failed], left, shown };
}

test('the guest passes if every program ends well and has tested something', (t) => {
  const lines = ['begin one', 'ok a (1 ms)', 'ok b (1 ms)', 'end one 0'];
  const { counts, left, shown } = tally(...lines, 'begin two', '# x', 'ok c (1 ms)', 'end two 0');
  t.deepEqual(counts, [3, 0]);
  t.deepEqual(left, []);
  t.deepEqual(shown[0], 'ok one: a (1 ms)');
});

test('a program that fails, tests nothing, crashes or never ends is a failure', (t) => {
  t.deepEqual(tally('begin one', 'not ok a', 'ok b', 'end one 1', 'begin two').counts, [1, 2]);
  t.deepEqual(tally('begin one', 'end one 0', 'begin two', 'ok c', 'end two 139').counts, [1, 2]);
  t.deepEqual(tally('begin one', 'ok a', 'kernel panic').left, ['one', 'two']);
  t.deepEqual(tally().counts, [0, 2]);
});

test('an initial root has its entries in the newc format, each folder before its files', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'cnrpc-cpio-'));
  const path = join(folder, 'root.cpio');
  const archive = new CpioWriter(path);
  archive.file('/a/b/c', Buffer.from('hello'));
  archive.link('/a/d', 'b/c');
  archive.file('/a/b/c', Buffer.from('not again'));
  archive.close();
  const bytes = readFileSync(path);
  rmSync(folder, { recursive: true });
  const names: string[] = [];
  for (let at = 0; at < bytes.length;) {
    const field = (index: number): number =>
      parseInt(bytes.toString('latin1', at + 6 + 8 * index, at + 14 + 8 * index), 16);
    t.is(bytes.toString('latin1', at, at + 6), '070701');
    const name = bytes.toString('latin1', at + 110, at + 110 + field(11) - 1);
    const data = (at + 110 + field(11) + 3) & ~3;
    names.push(`${name} ${bytes.toString('latin1', data, data + field(6))}`);
    at = (data + field(6) + 3) & ~3;
  }
  t.deepEqual(names, ['a ', 'a/b ', 'a/b/c hello', 'a/d b/c', 'TRAILER!!! ']);
});

test('a machine without packages is told so, with a code of its own', async (t) => {
  const cache = mkdtempSync(join(tmpdir(), 'cnrpc-kernel-'));
  const runner = join(packageRoot, 'dist/test/kernel/run.js');
  const run = (...args: string[]): Promise<{ code: unknown; stderr: string }> =>
    new Promise((resolve) => {
      const env = { PATH: '/nonexistent' };
      execFile(process.execPath, [runner, '--cache', cache, ...args], { env }, (error, _, stderr) =>
        resolve({ code: error?.code ?? 0, stderr }),
      );
    });
  const { code, stderr } = await run();
  t.is(code, 77, stderr);
  t.regex(stderr, /^not run: /);
  t.is((await run('--test', 'nonsense')).code, 2);
  t.is((await run('--nonsense')).code, 2);
  rmSync(cache, { recursive: true });
});
