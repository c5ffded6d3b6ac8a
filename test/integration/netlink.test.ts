import test from 'ava';
import type { ExecutionContext } from 'ava';
import { execFile } from 'node:child_process';
import { existsSync, readlinkSync } from 'node:fs';
import { promisify } from 'node:util';
import { isConnectorError } from '../../core/errors.ts';
import { LITTLE_ENDIAN, Slab } from '../../core/slab.ts';
import { openNetlink } from '../../transport/netlink/netlink.ts';
import type { NetlinkOptions, NetlinkTransport } from '../../transport/netlink/netlink.ts';
import type { Sink, Source } from '../../transport/transport.ts';

/**
 * What only netlink does; what it shares with other transports is in `test/compliance`. Groups and
 * the count of cn_proc's listeners are the whole machine's, so the tests run one after the other.
 */

interface Received {
  readonly bytes: Uint8Array;
  readonly source: Source;
}

/** Keeps what it is given and tells who waits for it. */
class Listener implements Sink {
  readonly datagrams: Received[] = [];
  lost = 0;
  onBatch: (() => void) | undefined;
  #waiting: (() => void) | undefined;

  receive(slab: Slab, start: number, end: number, source: Source): void {
    const { peer, group, credentials } = source;
    this.datagrams.push({
      bytes: slab.bytes.slice(start, end),
      source: { peer, group, credentials: credentials && { ...credentials } },
    });
  }

  overrun(lost: number): void {
    this.lost += lost;
  }

  received(): void {
    this.onBatch?.();
    this.#waiting?.();
  }

  failed(error: Error): void {
    throw error;
  }

  async batch(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#waiting = resolve;
    });
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await this.batch();
  }
}

type Open = (options?: NetlinkOptions) => [NetlinkTransport, Listener];

/** Declares a test that opens transports, and is skipped, with the reason, where it cannot. */
function netlinkTest(title: string, run: (t: ExecutionContext, open: Open) => Promise<void>): void {
  test.serial(title, async (t) => {
    const opened: NetlinkTransport[] = [];
    const open: Open = (options) => {
      const transport = openNetlink(options);
      opened.push(transport);
      return [transport, new Listener()];
    };
    try {
      await run(t, open);
    } catch (error) {
      if (!isConnectorError(error, 'unavailable', 'refused')) throw error;
      t.log(`skipped: ${error.message}`);
      t.pass();
    } finally {
      for (const transport of opened) transport.close();
    }
  });
}

function numbered(number: number, length = 100): Slab {
  const slab = new Slab(length);
  slab.bytes.fill(number & 0xff);
  slab.view.setUint32(0, number);
  return slab;
}

function send(from: NetlinkTransport, slab: Slab, to: NetlinkTransport): string {
  return from.send(slab, 0, slab.bytes.length, to.portid);
}

function numberOf({ bytes }: Received): number {
  return new DataView(bytes.buffer).getUint32(0);
}

netlinkTest('two sockets ping each other, and know who they are', async (t, open) => {
  const [a, atA] = open();
  const [b, atB] = open({ portid: 0x4abcdef0 });
  t.is(b.portid, 0x4abcdef0);
  a.start(atA);
  b.start(atB);
  t.is(send(a, numbered(1), b), 'sent');
  await atB.until(() => atB.datagrams.length === 1);
  t.is(send(b, numbered(2), a), 'sent');
  await atA.until(() => atA.datagrams.length === 1);
  t.deepEqual(atA.datagrams[0]?.bytes, numbered(2).bytes);
  const [uid, gid] = [process.geteuid?.(), process.getegid?.()];
  t.deepEqual(atA.datagrams[0]?.source, {
    peer: b.portid,
    group: 0,
    credentials: { pid: process.pid, uid: uid ?? -1, gid: gid ?? -1 },
  });
});

netlinkTest('a thousand datagrams arrive as sent, in order', async (t, open) => {
  const [a] = open();
  const [b, atB] = open();
  b.start(atB);
  for (let number = 0; number < 1000; number++) {
    const slab = numbered(number, 36 + ((number * 17) % 2000));
    while (send(a, slab, b) === 'busy') await atB.batch();
  }
  await atB.until(() => atB.datagrams.length === 1000);
  t.true(
    atB.datagrams.every(
      ({ bytes }, number) =>
        Buffer.compare(bytes, numbered(number, 36 + ((number * 17) % 2000)).bytes) === 0,
    ),
  );
  t.is(a.stats().sent, 1000);
  t.is(b.stats().received, 1000);
});

netlinkTest('a full queue is busy, as truesize says, and loses nothing', async (t, open) => {
  const [a] = open();
  const [b, atB] = open({ receiveBuffer: 20_000 });
  t.is(b.traits.receiveBuffer, 40_000);
  let sent = 0;
  while (send(a, numbered(sent), b) === 'sent') sent++;
  // Kernels differ in what they charge and in whether they overshoot (KF §6.1), never below this.
  t.true(sent >= Math.floor(40_000 / b.traits.truesize(100)));
  t.is(send(a, numbered(sent), b), 'busy');
  b.start(atB);
  await atB.until(() => atB.datagrams.length === sent);
  t.deepEqual(
    atB.datagrams.map(numberOf),
    Array.from({ length: sent }, (_, number) => number),
  );
  t.is(send(a, numbered(sent), b), 'sent');
  await atB.until(() => atB.datagrams.length === sent + 1);
  t.is(b.drops, 0);
  t.is(a.stats().unsent, 2);
});

netlinkTest('sends that cannot be say why', async (t, open) => {
  const [a] = open();
  const slab = new Slab(a.traits.datagramMax + 1);
  t.is(a.send(slab, 0, 100, 0x7fffff01), 'no-peer');
  t.is(a.send(slab, 0, 100, 0), 'no-peer', 'this family has nothing in the kernel');
  t.is(a.send(slab, 0, slab.bytes.length, a.portid), 'too-big');
  t.throws(() => a.send(slab, 0, 100, 2 ** 32), { code: 'invalid-argument' });
});

netlinkTest('options that cannot be say why', async (t, open) => {
  const [{ portid }] = open();
  t.throws(() => open({ portid }), { code: 'busy', message: /bound by another socket/ });
  const wrong = [
    { protocol: 'route' as 'usersock' },
    { portid: -1 },
    { portid: 2 ** 32 },
    { receiveBuffer: NaN },
    { groups: [0] },
    { groups: [33] },
  ];
  for (const options of wrong) t.throws(() => open(options), { code: 'invalid-argument' });
  await Promise.resolve();
});

netlinkTest('multicasts that do not fit are counted, and the socket hears on', async (t, open) => {
  const [a] = open();
  const [b, atB] = open({ groups: [7], receiveBuffer: 1 });
  t.is(b.traits.receiveBuffer, 2304, 'the kernel takes no less');
  b.start(atB);
  for (const sent of [50, 100]) {
    for (let number = 0; number < 50; number++) {
      t.is(a.multicast(numbered(number), 0, 100, 7), 'sent');
    }
    await atB.until(() => atB.datagrams.length + atB.lost >= sent);
    t.is(atB.datagrams.length + atB.lost, sent);
    t.is(b.drops, atB.lost);
    t.true(atB.lost >= 46 * (sent / 50), 'the queue holds two to four (KF §6.1)');
  }
  const held = atB.datagrams.length;
  t.is(atB.datagrams[0]?.source.group, 7);
  t.is(send(a, numbered(99), b), 'sent');
  await atB.until(() => atB.datagrams.length === held + 1);
});

netlinkTest('what a batch schedules runs before the event loop goes on', async (t, open) => {
  const [a] = open();
  const [b, atB] = open();
  const order: string[] = [];
  const done = new Promise<void>((resolve) => {
    atB.onBatch = () => {
      setImmediate(() => {
        order.push('immediate');
        resolve();
      });
      void Promise.resolve().then(() => order.push('promise'));
      process.nextTick(() => order.push('tick'));
    };
  });
  b.start(atB);
  // From a bare turn of the loop, so that nobody else's callback scope can do the work.
  setTimeout(() => send(a, numbered(1), b), 1);
  await done;
  t.deepEqual(order.toSorted(), ['immediate', 'promise', 'tick']);
  t.is(order.at(-1), 'immediate');
});

netlinkTest('close frees the portid, is idempotent and ends delivery', async (t, open) => {
  const [a] = open();
  const [b, atB] = open();
  b.start(atB);
  send(a, numbered(1), b);
  b.close();
  b.close();
  t.is(send(a, numbered(2), b), 'no-peer');
  const [c, atC] = open({ portid: b.portid });
  c.start(atC);
  t.is(send(a, numbered(3), c), 'sent');
  await atC.until(() => atC.datagrams.length > 0);
  t.deepEqual(atC.datagrams.map(numberOf), [3]);
  t.is(atB.datagrams.length, 0);
  t.is(b.drops, 0, 'statistics outlive it');
});

/** A request to cn_proc: 1 to listen, 2 to ignore (KF §7.2). */
function procRequest(operation: 1 | 2, ack: number): Slab {
  const slab = new Slab(40);
  const words = [40, 3, 0, 0, 1, 1, 0, ack, 4, operation];
  for (const [index, word] of words.entries()) {
    if (index !== 1 && index !== 8) slab.view.setUint32(index * 4, word, LITTLE_ENDIAN);
    else slab.view.setUint16(index * 4, word, LITTLE_ENDIAN);
  }
  return slab;
}

function isAck({ bytes }: Received, ack: number): boolean {
  return new DataView(bytes.buffer).getUint32(28, LITTLE_ENDIAN) === ack + 1;
}

/** Why cn_proc would not answer us; it serves the initial namespaces only (KF §8.8). */
function withoutProc(): string | undefined {
  if (!existsSync('/proc/net/connector')) return 'no connector in this network namespace';
  const initial = { pid: 'pid:[4026531836]', user: 'user:[4026531837]' };
  for (const [name, link] of Object.entries(initial)) {
    if (readlinkSync(`/proc/self/ns/${name}`) !== link) return `in a ${name} namespace of our own`;
  }
  return undefined;
}

type ProcTest = (t: ExecutionContext, a: NetlinkTransport, atA: Listener, open: Open) => unknown;

/** Declares a test with a transport that listens to cn_proc, and stops listening in the end. */
function procTest(title: string, run: ProcTest): void {
  netlinkTest(title, async (t, open) => {
    const obstacle = withoutProc();
    if (obstacle !== undefined) {
      t.log(`skipped: ${obstacle}`);
      t.pass();
      return;
    }
    const [a, atA] = open({ protocol: 'connector', groups: [1] });
    a.start(atA);
    try {
      await run(t, a, atA, open);
    } finally {
      // Otherwise the machine would count one listener more for ever (KF §7.4).
      while (a.send(procRequest(2, 0), 0, 40, 0) === 'busy') await atA.batch();
    }
  });
}

procTest('the connector answers before the event loop turns', async (t, a, atA) => {
  const ack = 0x10000000 + process.pid;
  t.is(a.send(procRequest(1, ack), 0, 40, 0), 'sent');
  await new Promise((resolve) => setImmediate(resolve));
  const answer = atA.datagrams.find((datagram) => isAck(datagram, ack));
  t.deepEqual(answer?.source, { peer: 0, group: 1, credentials: { pid: 0, uid: 0, gid: 0 } });
});

procTest('requests are held back before their answers fill the queue', async (t, a, atA) => {
  const ack = 0x20000000 + process.pid;
  const request = procRequest(1, ack);
  for (const round of [1, 2]) {
    let sent = 0;
    while (a.send(request, 0, 40, 0) === 'sent') sent++;
    t.true(sent > 0 && sent <= 64, `${sent} sent in round ${round}`);
    const before = atA.datagrams.length;
    await atA.batch();
    const answers = atA.datagrams.slice(before).filter((datagram) => isAck(datagram, ack));
    t.is(answers.length, sent);
  }
  t.is(a.drops, 0);
});

procTest('a queue that was empty a moment ago is not taken for empty', async (t, a, atA, open) => {
  const [other] = open({ protocol: 'connector' });
  const request = procRequest(1, 0x30000000 + process.pid);
  t.is(a.send(request, 0, 40, 0), 'sent');
  await atA.batch();
  // Each is answered to all that listen (KF §3): more wait now than there are slots for.
  for (let i = 0; i < 80; i++) t.is(other.send(request, 0, 40, 0), 'sent');
  t.is(a.send(request, 0, 40, 0), 'busy');
  await atA.batch();
  t.is(a.send(request, 0, 40, 0), 'sent');
  t.is(a.drops, 0);
  t.is(other.send(procRequest(2, 0), 0, 40, 0), 'sent');
});

procTest('on the connector, only the kernel is believed (P1.4)', async (t, a, atA, open) => {
  const [stranger] = open({ protocol: 'connector' });
  const outcome = send(stranger, procRequest(1, 0), a);
  t.is(outcome, process.geteuid?.() === 0 ? 'sent' : 'denied');
  while (outcome === 'sent' && a.stats().foreign === 0) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  t.true(atA.datagrams.every(({ source }) => source.peer === 0));
  t.is(a.multicast(numbered(1), 0, 100, 1), 'denied');
});

/** Runs a program in a Node of its own; it finds `openNetlink` and `Slab`. */
async function run(program: string): Promise<string> {
  const at = (path: string): string => JSON.stringify(new URL(path, import.meta.url).href);
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--input-type=module',
    '--eval',
    `const { openNetlink } = await import(${at('../../transport/netlink/netlink.js')});
     const { Slab } = await import(${at('../../core/slab.js')});
     ${program}`,
  ]);
  return stdout.trim();
}

netlinkTest('a user without rights may talk, but not join groups', async (t, open) => {
  if (process.geteuid?.() !== 0) {
    t.log('skipped: only root can become somebody else');
    t.pass();
    return;
  }
  const [a, atA] = open();
  a.start(atA);
  const refusal = await run(`
    openNetlink().close(); // koffi is read while we may read it
    process.setgroups([]); process.setgid(65534); process.setuid(65534);
    const transport = openNetlink();
    transport.send(new Slab(8), 0, 8, ${a.portid});
    try { transport.join(1); } catch (error) { console.log(error.message); }`);
  t.regex(refusal, /^refused: .* needs? CAP_NET_ADMIN/);
  await atA.until(() => atA.datagrams.length > 0);
  const credentials = atA.datagrams[0]?.source.credentials;
  t.deepEqual([credentials?.uid, credentials?.gid], [65534, 65534]);
});

netlinkTest('a worker may be terminated with an open transport', async (t) => {
  const url = new URL('../../transport/netlink/netlink.js', import.meta.url).href;
  const worker = `
    import { parentPort } from 'node:worker_threads';
    import { openNetlink } from '${url}';
    openNetlink().start({});
    parentPort.postMessage('started');`;
  const said = await run(`
    const { Worker } = await import('node:worker_threads');
    const source = 'data:text/javascript,' + encodeURIComponent(${JSON.stringify(worker)});
    const worker = new Worker(new URL(source));
    await new Promise((resolve) => worker.once('message', resolve));
    await worker.terminate();
    console.log('alive');`);
  t.is(said, 'alive');
});

netlinkTest('a machine without koffi is told what is missing', async (t) => {
  const said = await run(`
    const { default: Module } = await import('node:module');
    Module._resolveFilename = (name) => { throw new Error('Cannot find ' + name + '\\nhere'); };
    try { openNetlink(); } catch (error) { console.log(error.message); }`);
  t.regex(said, /^unavailable: .*koffi.*Cannot find koffi\); install it with: npm install koffi$/);
});
