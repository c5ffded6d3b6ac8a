import test from 'ava';
import { execFile } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { Slab } from '../../../core/slab.ts';
import { Fence } from '../../compliance/fence.ts';
import { numbered, record } from '../../compliance/recorder.ts';
import { readDrops } from '../../../transport/udp/drops.ts';
import { openUdp, peerOf } from '../../../transport/udp/udp.ts';
import type { UdpOptions } from '../../../transport/udp/udp.ts';

const run = promisify(execFile);

const noTable = existsSync('/proc/net/udp') ? undefined : 'there is no /proc/net/udp';

test('options that cannot be are misuse', async (t) => {
  const wrong: readonly UdpOptions[] = [
    { host: 'localhost' },
    { host: '::1' },
    { host: '' },
    { port: -1 },
    { port: 65_536 },
    { port: 1.5 },
    { receiveBuffer: 0 },
    { receiveBuffer: 2 ** 30 },
    { datagramMax: 0 },
    { datagramMax: 65_508 },
    { groupPort: 0 },
    { groupPort: 65_536 },
  ];
  for (const options of wrong) {
    await t.throwsAsync(openUdp(options), { code: 'invalid-argument' }, JSON.stringify(options));
  }
});

test('an address that cannot be bound is unavailable, a taken port is busy', async (t) => {
  const elsewhere = await t.throwsAsync(openUdp({ host: '203.0.113.77' }), { code: 'unavailable' });
  t.regex(elsewhere!.message, /203\.0\.113\.77 is no address of this machine/);
  const first = await openUdp();
  const { port } = first;
  const taken = await t.throwsAsync(openUdp({ port }), { code: 'busy' });
  t.regex(taken!.message, new RegExp(`127\\.0\\.0\\.1:${port} is bound`));
  first.close();
  (await openUdp({ port })).close();
});

test('a peer that is none is misuse, and nothing was sent', async (t) => {
  const transport = await openUdp();
  for (const peer of [0, 61_440, 2 ** 48, -1, 1.5, NaN]) {
    t.throws(() => transport.send(new Slab(4), 0, 4, peer), { code: 'invalid-argument' });
  }
  t.is(transport.stats().sent, 0);
  transport.close();
});

test('traits say what was asked for and what the system gave', async (t) => {
  const plain = await openUdp();
  const shaped = await openUdp({ receiveBuffer: 1, datagramMax: 1000 });
  t.true(shaped.traits.receiveBuffer < plain.traits.receiveBuffer);
  t.is(plain.traits.datagramMax, 65_507);
  t.is(shaped.traits.datagramMax, 1000);
  t.is(shaped.send(new Slab(2000), 0, 1001, plain.address), 'too-big');
  t.is(shaped.multicast(new Slab(2000), 0, 1001, 1), 'too-big');
  t.false(plain.traits.intact || plain.traits.fifo || plain.traits.lossless);
  for (const transport of [plain, shaped]) transport.close();
});

test('bound to every address it reaches the loopback, and has no groups', async (t) => {
  const fence = await Fence.open();
  const server = await openUdp();
  const client = await openUdp({ host: '0.0.0.0' });
  const [atServer, atClient] = [record(server), record(client)];
  t.is(client.traits.datagramMax, 1_472);
  t.is(client.locate({ idx: 1, val: 2 }), server.locate({ idx: 1, val: 2 }));
  t.is(client.drops, noTable === undefined ? 0 : undefined);
  t.is(client.send(numbered(1), 0, 64, server.address), 'sent');
  await fence.pass();
  t.is(atServer.datagrams[0]?.peer, peerOf('127.0.0.1', client.port));
  t.is(server.send(numbered(2), 0, 64, atServer.datagrams[0]!.peer), 'sent');
  await fence.pass();
  t.deepEqual(atClient.numbers, [2]);
  t.is(client.multicast(numbered(3), 0, 64, 1), 'denied');
  t.throws(() => client.join(1), { code: 'refused' });
  client.leave(1);
  for (const transport of [server, client]) transport.close();
  fence.close();
});

test('a group whose port somebody else holds cannot be joined', async (t) => {
  const holder = createSocket('udp4').bind(0, '0.0.0.0');
  await once(holder, 'listening');
  const transport = await openUdp({ groupPort: holder.address().port });
  const error = t.throws(() => transport.join(7), { code: 'refused' });
  t.regex(error!.message, /cannot join group 7, 239\.255\.67\.7:\d+: .*EADDRINUSE/);
  holder.close();
  transport.close();
});

test('a closed transport leaves its groups', async (t) => {
  const first = await openUdp();
  const { port: groupPort } = first;
  first.close();
  const member = await openUdp({ groupPort });
  for (const group of [1, 2, 2, 32]) member.join(group);
  member.leave(2);
  member.close();
  const holder = createSocket('udp4').bind({ port: groupPort, exclusive: true });
  await t.notThrowsAsync(once(holder, 'listening'), 'nobody holds the port any more');
  holder.close();
});

test('datagrams to several peers reach each its own', async (t) => {
  const fence = await Fence.open();
  const [a, b, c] = [await openUdp(), await openUdp(), await openUdp({ host: '127.0.0.2' })];
  const [atB, atC] = [record(b), record(c)];
  for (let number = 1; number <= 10; number++) {
    a.send(numbered(number), 0, 64, (number % 2 === 0 ? b : c).address);
  }
  await fence.pass();
  t.deepEqual(
    atB.numbers.toSorted((left, right) => left - right),
    [2, 4, 6, 8, 10],
  );
  t.deepEqual(
    atC.numbers.toSorted((left, right) => left - right),
    [1, 3, 5, 7, 9],
  );
  for (const transport of [a, b, c]) transport.close();
  fence.close();
});

test('an error that the system finds after the call is counted', async (t) => {
  const transport = await openUdp();
  record(transport);
  // From a loopback address there is no way to another machine: EINVAL, and nothing leaves.
  t.is(transport.send(numbered(1), 0, 64, peerOf('203.0.113.77', 9)), 'sent');
  await new Promise((resolve) => setImmediate(resolve));
  t.like(transport.stats(), { sent: 1, failed: 1, busy: 0 });
  transport.close();
});

test('what is lost to a full queue is known on Linux', async (t) => {
  const fence = await Fence.open();
  const [a, b] = [await openUdp(), await openUdp({ receiveBuffer: 1 })];
  const atB = record(b);
  for (let number = 0; number < 50; number++) a.send(numbered(number), 0, 64, b.address);
  await fence.pass();
  if (noTable === undefined) t.is(atB.datagrams.length + b.drops!, 50);
  else t.log(noTable);
  t.true(atB.datagrams.length < 50);
  const { drops } = b;
  for (const transport of [a, b]) transport.close();
  t.is(b.drops, drops, 'also after close');
  fence.close();
  // A process that another test starts holds every socket of this one until it runs its program.
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  while (readDrops(b.host, b.port) !== undefined) await turn();
});

test('truesize is what the kernel charges, or more', async (t) => {
  const [a, b] = [await openUdp(), await openUdp()];
  if (noTable !== undefined) t.log(noTable);
  else {
    const key = `:${b.port.toString(16).toUpperCase()} `;
    const charged = (): number => {
      // Nothing is read before this turn ends, so the queue grows by each datagram.
      const table = readFileSync('/proc/net/udp', 'latin1').split('\n');
      const line = table.find((each) => each.includes(`0100007F${key}`));
      return parseInt(line!.trim().split(/\s+/)[4]!.split(':')[1]!, 16);
    };
    let before = 0;
    const lengths = [1, 64, 197, 198, 645, 646, 1400, 1669, 1670, 7813, 16_004, 16_005, 65_507];
    for (const length of lengths) {
      a.send(numbered(1, Math.max(length, 4)), 0, length, b.address);
      const now = charged();
      const charge = now - before;
      before = now;
      t.true(charge >= length, `${length} bytes: ${charge}`);
      t.true(charge <= b.traits.truesize(length), `${length} bytes: ${charge}`);
    }
  }
  for (const transport of [a, b]) transport.close();
  t.pass();
});

test('it keeps a process alive from start to close', async (t) => {
  const main = new URL('../../../transport/udp/udp.js', import.meta.url).href;
  // Nothing but the socket keeps it going from one datagram to the next.
  const script = `import { openUdp } from '${main}';
    await openUdp();
    const one = await openUdp();
    const slab = { bytes: new Uint8Array(4) };
    const send = () => one.send(slab, 0, 4, one.address);
    let count = 0;
    one.start({ receive() {}, overrun() {}, failed() {}, received() {
      if (++count < 100) return send();
      console.log(count);
      one.close();
    } });
    one.join(3);
    send();`;
  const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', script]);
  t.is(stdout, '100\n');
});
