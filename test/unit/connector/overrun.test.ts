import test from 'ava';
import { errnos } from '../../../transport/simulated/connector/kernel.ts';
import type { SimulatedSocket } from '../../../transport/simulated/connector/kernel.ts';
import * as abi from '../../../transport/simulated/connector/abi.ts';
import {
  ask,
  GROUP_20,
  ID,
  makeBench,
  open,
  portid,
  read,
  readAll,
  short,
  TWO_SLOTS,
} from './bench.ts';
import type { Bench } from './bench.ts';

// Loss: KF §6.

const { EAGAIN, ENOBUFS, ESRCH } = errnos;

/** A member with room for two small datagrams. */
function small(
  bench: Bench,
  options: Partial<Record<'noEnobufs' | 'broadcastError', 1>> = {},
): SimulatedSocket {
  const socket = bench.member(GROUP_20);
  socket.setsockopt(abi.SOL_SOCKET, abi.SO_RCVBUF, TWO_SLOTS);
  const { noEnobufs = 0, broadcastError = 0 } = options;
  socket.setsockopt(abi.SOL_NETLINK, abi.NETLINK_NO_ENOBUFS, noEnobufs);
  socket.setsockopt(abi.SOL_NETLINK, abi.NETLINK_BROADCAST_ERROR, broadcastError);
  return socket;
}

function event({ connector }: Bench, seq: number): number {
  return connector.cn_netlink_send({ id: ID, seq, ack: 0 }, 0, 20, 'GFP_ATOMIC');
}

test('KF §6.2: ENOBUFS once, before the survivors, and then deaf until drained', (t) => {
  const bench = makeBench();
  const socket = small(bench);
  t.deepEqual(
    [1, 2, 3, 4].map((seq) => event(bench, seq)),
    [0, 0, -ESRCH, -ESRCH],
  );
  t.is(socket.poll(), abi.POLLIN | abi.POLLOUT | abi.POLLERR);
  t.is(read(socket), -ENOBUFS);
  t.is(event(bench, 5), -ESRCH);
  t.is(read(socket), '1/0 ');
  t.is(event(bench, 6), -ESRCH, 'deaf in spite of a free slot');
  t.is(read(socket), '2/0 ');
  t.is(event(bench, 7), 0);
  t.deepEqual(readAll(socket), ['7/0 ']);
  t.is(socket.drops, 4);
});

test("KF §6.2: an agent's reply to a deaf caller is lost; after a drain one comes", (t) => {
  const bench = makeBench();
  bench.connector.cn_add_callback(ID, 'echo', ({ seq, ack }) => {
    bench.connector.cn_netlink_send({ id: ID, seq, ack: ack + 1 }, 0, 20, 'GFP_ATOMIC');
  });
  const socket = small(bench);
  for (const seq of [1, 2, 3]) event(bench, seq);
  t.is(read(socket), -ENOBUFS);
  t.is(read(socket), '1/0 ');
  ask(socket, '', { seq: 777 });
  t.deepEqual(readAll(socket), ['2/0 ']);
  ask(socket, '', { seq: 778 });
  t.deepEqual(readAll(socket), ['778/1001 ']);
});

test('KF §6.2: SO_ERROR takes the error, and the socket stays deaf', (t) => {
  const bench = makeBench();
  const socket = small(bench);
  for (const seq of [1, 2, 3]) event(bench, seq);
  t.deepEqual(socket.getsockopt(abi.SOL_SOCKET, abi.SO_ERROR), [ENOBUFS]);
  t.deepEqual(socket.getsockopt(abi.SOL_SOCKET, abi.SO_ERROR), [0]);
  t.is(read(socket), '1/0 ');
  t.is(event(bench, 4), -ESRCH);
});

test('KF §6.2: MSG_PEEK takes the error, too, and leaves the datagrams', (t) => {
  const bench = makeBench();
  const socket = small(bench);
  for (const seq of [1, 2, 3]) event(bench, seq);
  t.is(socket.recv(0, abi.MSG_PEEK), -ENOBUFS);
  const peeked = socket.recv(0, abi.MSG_PEEK | abi.MSG_TRUNC) as { readonly length: number };
  t.is(peeked.length, 36, 'the size of what waits (KF §8.5)');
  t.deepEqual(readAll(socket), ['1/0 ', '2/0 ']);
});

test('KF §6.3: with NO_ENOBUFS no error and no deafness, but the count', (t) => {
  const bench = makeBench();
  const socket = small(bench, { noEnobufs: 1 });
  t.deepEqual(
    [1, 2, 3, 4].map((seq) => event(bench, seq)),
    [0, 0, -ESRCH, -ESRCH],
  );
  t.is(socket.poll(), abi.POLLIN | abi.POLLOUT);
  t.is(read(socket), '1/0 ');
  t.is(event(bench, 5), 0);
  t.deepEqual(readAll(socket), ['2/0 ', '5/0 ']);
  t.is(socket.drops, 2);
});

test('KF §6.3: NO_ENOBUFS set while congested ends that, not the error that waits', (t) => {
  const bench = makeBench();
  const socket = small(bench);
  for (const seq of [1, 2, 3]) event(bench, seq);
  socket.setsockopt(abi.SOL_NETLINK, abi.NETLINK_NO_ENOBUFS, 1);
  t.deepEqual(readAll(socket), [-ENOBUFS, '1/0 ', '2/0 ']);
});

test("KF §2.1, §6.5: BROADCAST_ERROR tells the kernel's sender of one deaf member", (t) => {
  const bench = makeBench();
  const [deaf, other] = [small(bench), bench.member(GROUP_20)];
  for (const seq of [1, 2]) event(bench, seq);
  t.is(event(bench, 3), 0, 'one accepted it');
  deaf.setsockopt(abi.SOL_NETLINK, abi.NETLINK_BROADCAST_ERROR, 1);
  t.is(event(bench, 4), -ENOBUFS);
  t.is(readAll(other).length, 4, 'who had room has it all the same');
});

test('KF §6.4: the drop counter is one, in SO_MEMINFO and /proc/net/netlink, never reset', (t) => {
  const bench = makeBench();
  const socket = small(bench);
  for (const seq of [1, 2, 3, 4, 5]) event(bench, seq);
  const meminfo = socket.getsockopt(abi.SOL_SOCKET, abi.SO_MEMINFO);
  t.deepEqual(meminfo, [1664, 2304, 0, 212_992, 0, 0, 0, 0, 3]);
  const row = { protocol: 11, portid: portid(socket), groups: GROUP_20, rmem: 1664, drops: 3 };
  t.deepEqual(bench.kernel.procNetNetlink(), [row]);
  readAll(socket);
  t.like(bench.kernel.procNetNetlink()[0], { rmem: 0, drops: 3 });
});

test('KF §6.1: capacities of a default queue as measured: 256, 92, 12', (t) => {
  for (const [payload, fit] of [
    [40, 256],
    [1024, 92],
    [8192, 12],
  ] as const) {
    const bench = makeBench();
    const socket = bench.member(GROUP_20);
    const msg = { id: ID, seq: 1, ack: 1, data: new Uint8Array(payload) };
    for (let count = 0; count < 300; count++) {
      bench.connector.cn_netlink_send(msg, 0, 20, 'GFP_KERNEL');
    }
    t.is(readAll(socket).length - 1, fit, `${payload} bytes`);
  }
});

test('KF §6.1: before 6.16 the last datagram may pass the limit', (t) => {
  const bench = makeBench({ release: '4.2' });
  const socket = bench.member(GROUP_20);
  for (let seq = 0; seq < 300; seq++) event(bench, seq);
  t.is(readAll(socket).length - 1, 257);
});

test('KF §6.1: SO_RCVBUF is doubled, 2304 to twice rmem_max; FORCE needs a right', (t) => {
  const { member } = makeBench();
  const [socket, nobody] = [member(), member(0, { uid: 1000 })];
  const set = (name: number, value: number): readonly number[] | number => {
    const result = socket.setsockopt(abi.SOL_SOCKET, name, value);
    return result === 0 ? socket.getsockopt(abi.SOL_SOCKET, abi.SO_RCVBUF) : result;
  };
  for (const [value, got] of [
    [1, 2304],
    [1152, 2304],
    [2000, 4000],
    [100_000, 200_000],
    [4_194_305, 8_388_608],
  ] as const) {
    t.deepEqual(set(abi.SO_RCVBUF, value), [got]);
  }
  t.deepEqual(set(abi.SO_RCVBUFFORCE, 4_194_305), [8_388_610]);
  t.deepEqual(set(abi.SO_RCVBUFFORCE, 0x7fff_ffff), [2_147_483_646]);
  t.is(nobody.setsockopt(abi.SOL_SOCKET, abi.SO_RCVBUFFORCE, 1), -errnos.EPERM);
});

test('KF §6.5 #4: a clone that fails is an overrun for its member and all after it', async (t) => {
  const bench = makeBench({ memory: { ampleMs: 1, shortMs: 1e6, kernel: 0, atomic: 0.3 } });
  await bench.clock.advance(10);
  const members = [bench.member(GROUP_20), bench.member(GROUP_20), bench.member(GROUP_20)];
  const results = new Set<number>();
  for (let seq = 0; seq < 200; seq++) {
    results.add(event(bench, seq));
    if (seq % 20 === 19) members.forEach((each) => each.setsockopt(270, abi.NETLINK_NO_ENOBUFS, 1));
  }
  t.deepEqual([...results].sort(), [-errnos.ENOMEM, 0], 'the sender is not told of clones');
  const [last, middle, first] = members.map((each) => each.drops) as [number, number, number];
  t.is(first, 0, 'the newest member gets the message itself');
  t.true(middle > 20 && last > middle, `${middle} ${last}`);
});

test('KF §6.5 #6: without a member nothing is said, with a lost allocation neither', async (t) => {
  const bench = makeBench({ memory: short(0, 1) });
  t.is(event(bench, 1), -ESRCH);
  const socket = bench.member(GROUP_20);
  await bench.clock.advance(10);
  t.is(event(bench, 2), -errnos.ENOMEM);
  t.deepEqual([readAll(socket), socket.drops], [[], 0]);
});

test('KF §6.5 #8: a buffer too small cuts the datagram, and says so', (t) => {
  const bench = makeBench();
  const socket = bench.member(GROUP_20);
  event(bench, 1);
  event(bench, 2);
  t.like(socket.recv(10), { length: 10, truncated: true });
  t.like(socket.recv(10, abi.MSG_TRUNC), { length: 36, truncated: true });
  t.is(socket.recv(10), -EAGAIN);
});

test("KF §6.5 #9, #12: a process's unicast to a full queue is not lost or counted", (t) => {
  const { kernel } = makeBench();
  const [sender, receiver] = [0, 1].map(() => open(kernel.process(), abi.NETLINK_USERSOCK)) as [
    SimulatedSocket,
    SimulatedSocket,
  ];
  receiver.setsockopt(abi.SOL_SOCKET, abi.SO_RCVBUF, TWO_SLOTS);
  receiver.bind({ nl_pid: 77, nl_groups: 0 });
  const send = (): number => sender.sendto(new Uint8Array(36), 0, { nl_pid: 77, nl_groups: 0 });
  t.deepEqual([send(), send(), send()], [36, 36, -EAGAIN]);
  t.is(receiver.drops, 0);
  receiver.close();
  t.is(send(), -errnos.ECONNREFUSED, 'what was queued went with it');
});

test("KF §8.4: the source address and the credentials are the kernel's word", (t) => {
  const { kernel } = makeBench();
  const sender = open(kernel.process({ pid: 7, uid: 1000, gid: 100 }), abi.NETLINK_USERSOCK);
  const receiver = open(kernel.process(), abi.NETLINK_USERSOCK);
  receiver.bind({ nl_pid: 77, nl_groups: 1 });
  const to = { nl_pid: 77, nl_groups: 0 };
  sender.sendto(new Uint8Array(36).fill(0xff), 0, to);
  t.like(receiver.recv(100), { credentials: undefined, group: undefined });
  receiver.setsockopt(abi.SOL_SOCKET, abi.SO_PASSCRED, 1);
  receiver.setsockopt(abi.SOL_NETLINK, abi.NETLINK_PKTINFO, 1);
  sender.sendto(new Uint8Array(36).fill(0xff), 0, { nl_pid: 0, nl_groups: 1 });
  t.like(receiver.recv(100), {
    address: { nl_pid: 7, nl_groups: 1 },
    credentials: { pid: 7, uid: 1000, gid: 100 },
    group: 1,
  });
});
