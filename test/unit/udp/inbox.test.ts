import test from 'ava';
import { Recorder } from '../../compliance/recorder.ts';
import { peerOf } from '../../../transport/udp/udp.ts';
import { Inbox } from '../../../transport/udp/inbox.ts';

const HOST = '127.0.0.1';

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** How many immediates are planned. */
function immediates(): number {
  return process.getActiveResourcesInfo().filter((kind) => kind === 'Immediate').length;
}

function take(inbox: Inbox, count: number, length = 4): void {
  for (let number = 0; number < count; number++) inbox.take(new Uint8Array(length), HOST, 9, 0);
}

test('what one poll finds is one batch, but for the first after polls of one', async (t) => {
  const inbox = new Inbox();
  const sink = new Recorder();
  inbox.start(sink);
  take(inbox, 3);
  t.is(sink.calls, 'dr', 'the first does not wait, since nobody knows');
  await turn();
  t.is(sink.calls, 'drddr');
  take(inbox, 3);
  t.is(sink.calls, 'drddr', 'now it waits for the others');
  await turn();
  t.is(sink.calls, 'drddrdddr');
  take(inbox, 1);
  await turn();
  take(inbox, 1);
  t.is(sink.calls, 'drddrdddrdrdr', 'alone again');
  await turn();
  t.is(sink.calls, 'drddrdddrdrdr', 'no batch without a datagram');
});

test('who comes alone is looked after ever more seldom, until somebody follows', async (t) => {
  const inbox = new Inbox();
  const sink = new Recorder();
  inbox.start(sink);
  const looks: number[] = [];
  for (let number = 1; number <= 50; number++) {
    sink.calls = '';
    const before = immediates();
    take(inbox, 1);
    t.is(sink.calls, 'dr');
    if (immediates() > before) looks.push(number);
    await turn();
  }
  t.deepEqual(looks, [1, 3, 7, 15, 31, 47]);
  sink.calls = '';
  take(inbox, 15);
  t.is(sink.calls, 'dr'.repeat(13), 'twelve without a look, the one looked after, then two wait');
  await turn();
  t.is(sink.calls, `${'dr'.repeat(13)}ddr`);
  take(inbox, 2);
  t.is(sink.calls, `${'dr'.repeat(13)}ddr`, 'each poll is a batch');
});

test('a datagram names its sender and its group', async (t) => {
  const inbox = new Inbox();
  const sink = new Recorder();
  inbox.start(sink);
  const senders = [
    ['10.0.0.1', 5],
    ['10.0.0.1', 6],
    ['10.0.0.2', 6],
    ['10.0.0.1', 5],
  ] as const;
  for (const [host, port] of senders) inbox.take(new Uint8Array(4), host, port, port === 6 ? 3 : 0);
  await turn();
  t.deepEqual(
    sink.datagrams.map(({ peer }) => peer),
    senders.map(([host, port]) => peerOf(host, port)),
  );
  t.deepEqual(
    sink.datagrams.map(({ group }) => group),
    [0, 3, 3, 0],
  );
});

test('an empty datagram is one, a datagram without a source is dropped and counted', async (t) => {
  const inbox = new Inbox();
  const sink = new Recorder();
  inbox.start(sink);
  inbox.take(new Uint8Array(0), HOST, 9, 0);
  inbox.take(new Uint8Array(4), HOST, 0, 0);
  inbox.take(new Uint8Array(4), '0.0.0.0', 9, 0);
  await turn();
  t.deepEqual(
    sink.datagrams.map(({ bytes }) => bytes.length),
    [0],
  );
  t.like(inbox, { received: 1, sourceless: 2, overflow: 0 });
});

test('what waits for start is bounded, in what the kernel would charge', async (t) => {
  const inbox = new Inbox();
  take(inbox, 10_000);
  t.is(inbox.overflow, 10_000 - Math.floor((4 * 2 ** 20) / 832));
  take(inbox, 1, 65_507);
  const { overflow } = inbox;
  const sink = new Recorder();
  inbox.start(sink);
  t.is(sink.calls, '');
  await turn();
  t.is(sink.datagrams.length, 10_001 - overflow);
  take(inbox, 1);
  await turn();
  t.is(sink.datagrams.length, 10_002 - overflow, 'there is room again');
});

test('a failure comes once, after what came before it', async (t) => {
  const inbox = new Inbox();
  const sink = new Recorder();
  const failures: Error[] = [];
  sink.failed = (error) => {
    sink.calls += 'f';
    failures.push(error);
  };
  take(inbox, 2);
  inbox.fail(new Error('recvmsg ENOMEM'));
  inbox.fail(new Error('another'));
  inbox.start(sink);
  await turn();
  take(inbox, 2);
  inbox.fail(new Error('late'));
  await turn();
  t.is(sink.calls, 'ddrf');
  t.like(failures[0], { name: 'ConnectorError', code: 'unavailable' });
  t.regex(failures[0]!.message, /recvmsg ENOMEM/);
});

test('a closed inbox takes nothing', async (t) => {
  const inbox = new Inbox();
  const sink = new Recorder();
  inbox.start(sink);
  take(inbox, 2);
  inbox.close();
  take(inbox, 2);
  inbox.fail(new Error('late'));
  await turn();
  t.is(sink.calls, 'dr');
});
