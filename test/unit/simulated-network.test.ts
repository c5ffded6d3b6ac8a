import test from 'ava';
import { numbered } from '../compliance/recorder.ts';
import { constant, makeWorld, misuse, small } from './simulated-world.ts';

test('addresses are handed out, or chosen; credentials follow or are given', async (t) => {
  const { clock, open, send } = makeWorld();
  const first = open();
  const chosen = open({ address: 3, credentials: { pid: 99, uid: 1000, gid: 100 } });
  const next = open();
  t.deepEqual([first, chosen, next].map(({ socket }) => socket.address), [1, 3, 2]);
  send(next.socket, 1, 1);
  send(chosen.socket, 1, 2);
  await clock.advance(0);
  t.deepEqual(
    first.sink.datagrams.map(({ credentials }) => credentials),
    [
      { pid: 2, uid: 0, gid: 0 },
      { pid: 99, uid: 1000, gid: 100 },
    ],
  );
});

test('on one machine a full queue is busy, and nothing is lost', async (t) => {
  const { clock, network, open, send } = makeWorld();
  const [a, b] = [open(), open(small)];
  t.deepEqual(send(a.socket, 2, 1, 4), ['sent', 'sent', 'busy', 'busy']);
  await clock.advance(0);
  t.deepEqual(b.sink.numbers, [1, 2]);
  t.is(b.sink.calls, 'ddr');
  t.is(b.socket.drops, 0, 'an EAGAIN is not counted (KF §6.5 #9)');
  t.like(network.stats(), { datagrams: 2, delivered: 2, busy: 2, overrun: 0 });
});

test('over a network a full queue drops, and the receiver learns how many', async (t) => {
  const { clock, network, open, send } = makeWorld({ faults: constant });
  const [a, b] = [open(), open(small)];
  t.deepEqual(send(a.socket, 2, 1, 5), ['sent', 'sent', 'sent', 'sent', 'sent']);
  await clock.advance(4.9);
  t.is(b.sink.calls, '');
  await clock.advance(0.1);
  t.is(b.sink.calls, 'ddor', 'with NO_ENOBUFS the count is seen after the survivors');
  t.deepEqual(b.sink.numbers, [1, 2]);
  t.is(b.sink.lost, 3);
  t.is(b.socket.drops, 3);
  t.like(network.stats(), { datagrams: 5, delivered: 2, overrun: 3, busy: 0 });
});

test('over a network the sender does not see that the queue is full already', async (t) => {
  const { clock, open, send } = makeWorld({ faults: constant });
  const [a, b] = [open(), open({ ...small, readDelayMs: 100 })];
  send(a.socket, 2, 1, 2);
  await clock.advance(50);
  t.deepEqual(send(a.socket, 2, 3), ['sent']);
  await clock.advance(100);
  t.is(b.sink.calls, 'ddor');
});

test('without NO_ENOBUFS the overrun comes before the survivors, to a deaf socket', async (t) => {
  const { clock, open, send } = makeWorld();
  const [a, b] = [open(), open({ ...small, noEnobufs: false, readDelayMs: 10 })];
  b.socket.join(1);
  for (let number = 1; number <= 4; number++) a.socket.multicast(numbered(number), 0, 64, 1);
  t.deepEqual(send(a.socket, 2, 5), ['busy'], 'a unicast to a deaf socket is refused');
  await clock.advance(10);
  t.is(b.sink.calls, 'oddr');
  t.deepEqual(b.sink.numbers, [1, 2]);
  t.is(b.sink.lost, 2);
  t.deepEqual(send(a.socket, 2, 6), ['sent'], 'drained, it hears again');
});

test('losses while a deaf socket drains are told at the end of the batch', async (t) => {
  const { clock, open } = makeWorld();
  const [a, b] = [open(), open({ ...small, noEnobufs: false })];
  b.socket.join(1);
  const multicast = (number: number): void => {
    a.socket.multicast(numbered(number), 0, 64, 1);
  };
  for (let number = 1; number <= 3; number++) multicast(number);
  b.sink.onDatagram = () => {
    if (b.sink.datagrams.length === 1) multicast(4); // a slot is free, the socket is deaf
  };
  await clock.advance(0);
  t.is(b.sink.calls, 'oddor');
  t.is(b.sink.lost, 2);
});

test('a reader runs when its delay is over, and takes 64 at a time', async (t) => {
  const { clock, open, send } = makeWorld();
  const [a, b] = [open(), open({ readDelayMs: 7 })];
  send(a.socket, 2, 1, 100);
  await clock.advance(6.9);
  t.is(b.sink.calls, '');
  send(a.socket, 2, 101, 150);
  await clock.advance(0.1);
  t.is(b.sink.calls, `${'d'.repeat(64)}r${'d'.repeat(64)}r${'d'.repeat(22)}r`);
});

test('what fills the queue between a drop and the read is not needed to learn of it', async (t) => {
  const { clock, open, send } = makeWorld({ faults: constant });
  const [a, b] = [open(), open(small)];
  send(a.socket, 2, 1, 3);
  await clock.advance(5);
  t.is(b.sink.lost, 1);
  send(a.socket, 2, 4);
  await clock.advance(5);
  t.is(b.sink.lost, 1, 'a loss is told once');
});

test('a network that does not report death takes everything', async (t) => {
  const { clock, network, open, send } = makeWorld({ reportsDeath: false });
  const a = open();
  t.false(a.socket.traits.reportsDeath);
  t.deepEqual(send(a.socket, 99, 1), ['sent'], 'never bound');
  open({ address: 2 }).socket.close();
  t.deepEqual(send(a.socket, 2, 2), ['sent'], 'bound no more');
  await clock.advance(5);
  t.like(network.stats(), { datagrams: 2, vanished: 2, noPeer: 0 });
});

test('a group without other members is no-peer', (t) => {
  const { open } = makeWorld();
  const a = open();
  t.is(a.socket.multicast(numbered(1), 0, 64, 4), 'no-peer');
  a.socket.join(4);
  t.is(a.socket.multicast(numbered(1), 0, 64, 4), 'no-peer');
});

test('a closed socket is in no group, also if its address is opened again', async (t) => {
  const { clock, network, open } = makeWorld({ faults: constant });
  const [a, b] = [open(), open()];
  b.socket.join(4);
  t.is(a.socket.multicast(numbered(1), 0, 64, 4), 'sent');
  b.socket.close();
  const again = open({ address: 2 });
  await clock.advance(5);
  t.is(again.sink.calls, '', 'it was sent to members, and this one is none');
  t.is(network.stats().vanished, 1);
  t.is(a.socket.multicast(numbered(2), 0, 64, 4), 'no-peer');
});

test('large multicasts are charged more than unicasts of the same length', (t) => {
  const { open } = makeWorld();
  const [a, b] = [open(), open({ receiveBuffer: 8832 * 2 })];
  b.socket.join(1);
  const slab = numbered(1, 8228);
  t.is(a.socket.multicast(slab, 0, 8228, 1), 'sent');
  t.is(a.socket.send(slab, 0, 8228, 2), 'busy', '16640 and 8832 do not fit');
  const c = open({ receiveBuffer: 8832 * 2 });
  t.is(a.socket.send(slab, 0, 8228, c.socket.address), 'sent');
  t.is(a.socket.send(slab, 0, 8228, c.socket.address), 'sent');
});

test('the kernel is charged as it charges itself', (t) => {
  const { open } = makeWorld();
  const [kernel, b] = [open({ address: 0 }), open({ receiveBuffer: 16_640 * 2 - 1 })];
  t.is(kernel.socket.traits.truesize(8228), 16_640);
  t.is(b.socket.traits.truesize(8228), 8832);
  t.is(kernel.socket.send(numbered(1, 8228), 0, 8228, 1), 'sent');
  t.is(kernel.socket.send(numbered(1, 8228), 0, 8228, 1), 'busy');
});

test('without memory a send fails with no-memory, and nothing is lost', async (t) => {
  const memory = { ampleMs: 1, shortMs: 1e6, kernel: 1, atomic: 0 };
  const { clock, network, open, send } = makeWorld({ memory });
  const [a, b] = [open(), open()];
  b.socket.join(1);
  t.deepEqual(send(a.socket, 2, 1), ['sent']);
  await clock.advance(10);
  t.deepEqual(send(a.socket, 2, 2), ['no-memory']);
  t.is(a.socket.multicast(numbered(3), 0, 64, 1), 'no-memory');
  await clock.advance(10);
  t.deepEqual(b.sink.numbers, [1]);
  t.like(network.stats(), { datagrams: 1, noMemorySend: 2, noMemory: 0 });
});

test('the kernel cannot sleep for memory', async (t) => {
  const memory = { ampleMs: 1, shortMs: 1e6, kernel: 0, atomic: 1 };
  const { clock, open, send } = makeWorld({ memory });
  const [kernel, a] = [open({ address: 0 }), open()];
  await clock.advance(10);
  t.deepEqual(send(kernel.socket, 1, 1), ['no-memory']);
  t.deepEqual(send(a.socket, 0, 2), ['sent'], 'no atomic allocation from process to process');
});

test('without memory what comes in from a network is lost silently', async (t) => {
  const memory = { ampleMs: 1, shortMs: 1e6, kernel: 0, atomic: 1 };
  const { clock, network, open, send } = makeWorld({ memory, faults: constant });
  const [a, b] = [open(), open()];
  await clock.advance(10);
  t.deepEqual(send(a.socket, 2, 1), ['sent']);
  await clock.advance(10);
  t.is(b.sink.calls, '');
  t.like(network.stats(), { datagrams: 1, noMemory: 1, overrun: 0 });
});

test('a clone that fails is an overrun for its member and all after it', async (t) => {
  const memory = { ampleMs: 1, shortMs: 1e6, kernel: 0, atomic: 1 };
  const { clock, network, open, send } = makeWorld({ memory });
  const [a, b, c] = [open(), open(), open({ noEnobufs: false })];
  b.socket.join(1);
  await clock.advance(10);
  t.is(a.socket.multicast(numbered(1), 0, 64, 1), 'sent', 'one member needs no clone');
  c.socket.join(1);
  t.is(a.socket.multicast(numbered(2), 0, 64, 1), 'sent');
  await clock.advance(0);
  t.deepEqual([b.sink.numbers, c.sink.numbers], [[1], []]);
  t.is(c.sink.calls, 'or', 'without NO_ENOBUFS the error wakes the reader');
  t.is(b.sink.calls, 'dor', 'with it the count is seen at the next read');
  t.like(network.stats(), { datagrams: 3, delivered: 1, noMemory: 2, overrun: 0 });
  send(a.socket, 3, 3);
  await clock.advance(0);
  t.deepEqual(c.sink.numbers, [3]);
});

test('where one clone fails, all members after it lose too', async (t) => {
  const memory = { ampleMs: 1, shortMs: 1e6, kernel: 0, atomic: 0.3 };
  const { clock, open } = makeWorld({ memory });
  const [a, ...members] = [open(), open(), open(), open()];
  for (const { socket } of members) socket.join(1);
  await clock.advance(10);
  for (let number = 1; number <= 100; number++) a!.socket.multicast(numbered(number), 0, 64, 1);
  await clock.advance(0);
  const [first, second, third] = members.map(({ sink }) => new Set(sink.numbers));
  t.true([...third!].every((number) => second!.has(number)));
  t.true([...second!].every((number) => first!.has(number)));
  t.true(third!.size > 20 && third!.size < second!.size && second!.size < first!.size);
});

test('misuse is told at once', (t) => {
  t.throws(() => makeWorld({ faults: { loss: 2 } }), misuse);
  const { open } = makeWorld();
  t.throws(() => open({ address: -1 }), misuse);
  t.throws(() => open({ address: 1.5 }), misuse);
  t.throws(() => open({ receiveBuffer: 2303 }), misuse);
  t.throws(() => open({ readDelayMs: -1 }), misuse);
});
