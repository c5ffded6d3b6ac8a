import test from 'ava';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { cnrpc, main, parsed } from './cli-run.ts';

const commands = ['stress', 'serve', 'call', 'kernel ping', 'decode'];

/** Acknowledgement of cn_proc, captured on Linux 6.18 (little-endian). */
const PROC_ACK = '4c000000030000004b560a000000000001000000010000004b560a0001beadde28000000'
  + '0000000001000000a52507f87a010000000000000000000000000000000000000000000000000000';

test('misuse ends with exit code 2 and one sentence on stderr', async (t) => {
  const { code, stdout, stderr } = await cnrpc(['stress', '--json', '--loss', '2']);
  t.is(code, 2);
  t.is(stdout, '');
  const complaint = '--loss takes a probability from 0 to 1, not "2"';
  t.is(stderr, `cnrpc: ${complaint} (see cnrpc stress --help)\n`);
});

test('--help is to be had everywhere, and no line of it is longer than 80 columns', async (t) => {
  for (const command of ['', ...commands]) {
    const words = command.split(' ').filter((word) => word !== '');
    const { code, stdout, stderr } = await cnrpc([...words, '--help']);
    t.is(code, 0);
    t.is(stderr, '');
    t.true(stdout.startsWith(`Usage: cnrpc ${command}`));
    for (const line of stdout.split('\n')) t.true(line.length <= 80, line);
  }
});

test('--version is to be had everywhere', async (t) => {
  const manifest = parsed(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'));
  for (const args of [['--version'], ['-V'], ['stress', '--version'], ['kernel', 'ping', '-V']]) {
    const { code, stdout } = await cnrpc(args);
    t.is(code, 0);
    t.is(stdout, `${String(manifest['version'])}\n`);
  }
});

test('decode prints the headers of a datagram, from an argument or stdin', async (t) => {
  const spaced = PROC_ACK.replace(/.{8}/g, '$& ');
  const text = await cnrpc(['decode', PROC_ACK]);
  t.is(text.code, 0);
  t.regex(text.stdout, /nlmsghdr {2}length 76 {2}type 3 {2}flags 0 {2}seq 677451 {2}pid 0/);
  t.regex(text.stdout, /cn_msg {4}id 1:1 {2}seq 677451 {2}ack 3735928321 {2}length 40 /);
  for (const same of [
    await cnrpc(['decode', ...spaced.split(' ')]),
    await cnrpc(['decode', '-'], { input: spaced.replace(/ /g, '\n') }),
    await cnrpc(['decode', PROC_ACK.toUpperCase()]),
  ]) {
    t.deepEqual(same, text);
  }
  const json = parsed((await cnrpc(['decode', '--json', PROC_ACK])).stdout);
  t.like(json, {
    session: false,
    trailing: 0,
    messages: [{ cn: { id: '1:1', seq: 677_451, ack: 3_735_928_321, length: 40, flags: 0 } }],
  });
});

test('decode gives a reason for bad bytes, and exit code 1', async (t) => {
  for (const [hex, reason] of [
    ['', /^cnrpc: short: /],
    [PROC_ACK.slice(0, 70), /^cnrpc: short: /],
    [PROC_ACK.slice(0, 80), /^cnrpc: nlmsg-length: /],
    [`${PROC_ACK.slice(0, 64)}ffff${PROC_ACK.slice(68)}`, /^cnrpc: cn-length: /],
  ] as const) {
    const { code, stdout, stderr } = await cnrpc(['decode', '--json', hex]);
    t.is(code, 1);
    t.regex(stderr, reason);
    t.regex(stdout, /^\{"error":\{"code":"/);
  }
});

for (const args of [['decode', PROC_ACK], ['stress', '--calls', '1000'], ['--help']]) {
  test(`a reader that goes away gets no stack: ${args[0]}`, async (t) => {
    const child = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.destroy();
    let complaints = '';
    child.stderr.on('data', (text: Buffer) => (complaints += text.toString()));
    await once(child, 'close');
    t.is(complaints, '');
  });
}
