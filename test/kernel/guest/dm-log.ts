import assert from 'node:assert/strict';
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { check, load, note, unload } from './harness.ts';

// A mirror of two RAM disks whose log is kept by examples/mirror-log.ts, a process that is killed
// and started again.

const SECTORS = 4096; // 2 MiB
const REGION = 512;
const REGIONS = SECTORS / REGION;
const FLAGS = ['--noudevsync', '--noudevrules'];
const DEVICE = '/dev/dm-0'; // nobody makes names in /dev/mapper here
const SERVER = new URL('../../../examples/mirror-log.js', import.meta.url).pathname;

let server: ChildProcess | undefined;

async function start(): Promise<void> {
  server = spawn(process.execPath, [SERVER, '/logs'], { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  server.once('exit', () => note(said.replaceAll(/\s+/g, ' ')));
  await new Promise<void>((resolve) => {
    server!.stdout!.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      if (said.includes('mirror logs in')) resolve();
    });
  });
}

async function stop(signal: NodeJS.Signals): Promise<void> {
  const exit = once(server!, 'exit');
  server!.kill(signal);
  await exit;
}

/** Runs dmsetup beside this process, which goes on listening. */
function dmsetup(...words: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn('dmsetup', words, { stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
    child.once('exit', (code) => (code === 0 ? resolve(said) : reject(new Error(said))));
  });
}

function create(words: string): Promise<string> {
  const table = `0 ${SECTORS} mirror userspace ${words} 2 /dev/ram0 0 /dev/ram1 0`;
  return dmsetup('create', 'both', ...FLAGS, '--table', table);
}

async function synced(): Promise<void> {
  for (let tries = 0; tries < 300; tries++) {
    const status = await dmsetup('status', 'both');
    if (status.includes(` ${REGIONS}/${REGIONS} `)) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert.fail(`not in sync: ${await dmsetup('status', 'both')}`);
}

function random(seed: number): Buffer {
  const bytes = Buffer.alloc(SECTORS * 512);
  for (let at = 0, word = seed; at < bytes.length; at += 4) {
    word = (Math.imul(word, 1664525) + 1013904223) >>> 0;
    bytes.writeUInt32LE(word, at);
  }
  return bytes;
}

/** Writes all of the mirror, past the page cache's end. */
function write(bytes: Buffer): Promise<unknown> {
  writeFileSync('/tmp/data', bytes);
  const child = spawn('dd', ['if=/tmp/data', `of=${DEVICE}`, 'bs=64k', 'conv=fsync']);
  return once(child, 'exit').then(([code]) => assert.equal(code, 0));
}

function legsEqual(bytes?: Buffer): void {
  execFileSync('sh', ['-c', 'echo 3 > /proc/sys/vm/drop_caches']);
  const legs = ['/dev/ram0', '/dev/ram1'].map((leg) =>
    readFileSync(leg).subarray(0, SECTORS * 512),
  );
  assert.ok(legs[0]!.equals(legs[1]!), 'both legs are the same');
  if (bytes !== undefined) assert.ok(legs[0]!.equals(bytes), 'and hold what was written');
}

load('brd', 'rd_nr=2', 'rd_size=4096');
load('dm_mirror');
load('dm_log_userspace');

await check('without a server a mirror cannot be made', async () => {
  await assert.rejects(create('3 cnrpc file 512'));
});

await check('a mirror is created and resynchronised', async () => {
  writeFileSync('/dev/ram0', random(1));
  await start();
  await create('3 cnrpc file 512');
  await synced();
  note((await dmsetup('status', 'both')).trim());
  note((await dmsetup('table', 'both')).trim());
  legsEqual(random(1));
});

await check('what is written reaches both legs', async () => {
  await write(random(2));
  legsEqual(random(2));
});

await check('it is suspended, resumed and removed', async () => {
  await dmsetup('suspend', 'both');
  await dmsetup('resume', 'both');
  await synced();
  await dmsetup('remove', ...FLAGS, 'both');
  await stop('SIGTERM');
});

await check('the log is persistent: the next activation has nothing to resynchronise', async () => {
  await start();
  await create('3 cnrpc file 512');
  assert.match(await dmsetup('status', 'both'), new RegExp(` ${REGIONS}/${REGIONS} `));
});

// What was asked of the dead is asked again after 15 s (DM_ULOG_RETRY_TIMEOUT): one wait for both.
await check('a server killed as the kernel writes, then away, loses nothing', async () => {
  const written = write(random(3));
  await new Promise((resolve) => setTimeout(resolve, 50));
  await stop('SIGKILL');
  await start();
  await new Promise((resolve) => setTimeout(resolve, 50));
  await stop('SIGKILL');
  await new Promise((resolve) => setTimeout(resolve, 3000));
  await start();
  await written;
  await synced();
  legsEqual(random(3));
});

await check('a server killed during the resynchronisation', async () => {
  await dmsetup('remove', ...FLAGS, 'both');
  writeFileSync('/dev/ram0', random(5));
  await create('4 cnrpc file 512 sync');
  await stop('SIGKILL');
  await start();
  await synced();
  legsEqual(random(5));
});

await check('a mirror of a table line that is wrong is refused', async () => {
  await dmsetup('remove', ...FLAGS, 'both');
  await assert.rejects(create('3 cnrpc disk 8'));
  await assert.rejects(create('3 cnrpc file 7'));
});

await check(
  'nosync: everything is in sync from the beginning; integrated_flush works',
  async () => {
    await create('5 other integrated_flush file 512 nosync');
    assert.match(await dmsetup('status', 'both'), new RegExp(` ${REGIONS}/${REGIONS} `));
    await write(random(6));
    legsEqual(random(6));
    await dmsetup('remove', ...FLAGS, 'both');
    await stop('SIGTERM');
  },
);

for (const module of ['dm_log_userspace', 'dm_mirror', 'brd']) unload(module);
