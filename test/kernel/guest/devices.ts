import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { check, load, unload, until } from './harness.ts';

// What the tests of agents/ stand on: the devices of this guest, without this project's code.

const BUS = '/sys/bus/w1/devices';

await check('a 1-Wire master in software finds its two slaves', async () => {
  load('cnrpc_w1');
  await until(() => readdirSync(BUS).filter((name) => name.startsWith('01-')).length === 2);
  assert.deepEqual(readdirSync(BUS).sort(), [
    '01-0000cafe0001',
    '01-0000cafe0002',
    'w1_bus_master1',
  ]);
  unload('cnrpc_w1');
  assert.ok(!existsSync(`${BUS}/w1_bus_master1`));
});

await check('dmsetup makes a mirror of two RAM disks', async () => {
  load('brd', 'rd_nr=2', 'rd_size=4096');
  load('dm_mirror');
  load('dm_log_userspace');
  const table = '0 4096 mirror core 1 1024 2 /dev/ram0 0 /dev/ram1 0';
  const flags = ['--noudevsync', '--noudevrules'];
  execFileSync('dmsetup', ['create', 'mirror', ...flags, '--table', table]);
  await until(() => `${execFileSync('dmsetup', ['status', 'mirror'])}`.includes(' 4/4 '));
  assert.ok(statSync('/dev/mapper/control').isCharacterDevice());
  execFileSync('dmsetup', ['remove', ...flags, 'mirror']);
  for (const module of ['dm_log_userspace', 'dm_mirror', 'brd']) unload(module);
});

await check('loop devices and cn_proc are there', () => {
  load('loop');
  assert.ok(existsSync('/dev/loop0'));
  unload('loop');
  assert.match(readFileSync('/proc/net/connector', 'utf8'), /cn_proc/);
});
