import test from 'ava';
import { errnos } from '../../../transport/simulated/connector/kernel.ts';
import {
  ask,
  bytes,
  GROUP_20,
  ID,
  makeBench,
  news,
  open,
  portid,
  read,
  readAll,
  short,
  TWO_SLOTS,
} from './bench.ts';
import * as abi from '../../../transport/simulated/connector/abi.ts';
import { decodeDatagram } from '../../../transport/wire/datagram.ts';

// The in-kernel API and its return codes: KF §2.

test('KF §2: cn_add_callback registers, and a duplicate id is -EINVAL', (t) => {
  const { connector, member } = makeBench();
  const heard: string[] = [];
  t.is(
    connector.cn_add_callback(ID, 'first', () => heard.push('first')),
    0,
  );
  t.is(
    connector.cn_add_callback(ID, 'second', () => heard.push('second')),
    -errnos.EINVAL,
  );
  t.is(
    connector.cn_add_callback({ idx: 20, val: 2 }, 'other val', () => heard.push('other')),
    0,
  );
  const socket = member();
  ask(socket, '');
  ask(socket, '', { id: { idx: 20, val: 2 } });
  t.deepEqual(heard, ['first', 'other']);
});

test('KF §2: before cn_init there is no family, and registering is -EAGAIN', (t) => {
  const { connector, kernel } = makeBench({ connector: false });
  t.is(
    connector.cn_add_callback(ID, 'early', () => {}),
    -errnos.EAGAIN,
  );
  t.is(connector.cn_netlink_send(news(''), 0, 20, 'GFP_KERNEL'), -errnos.ESRCH);
  const socket = kernel.process().socket(abi.SOCK_RAW, abi.NETLINK_CONNECTOR);
  t.is(socket, -errnos.EPROTONOSUPPORT);
  kernel.cn_init();
  t.is(
    connector.cn_add_callback(ID, 'now', () => {}),
    0,
  );
});

test('KF §2: without memory registering is -ENOMEM', async (t) => {
  const { clock, connector } = makeBench({ memory: short(1, 0) });
  t.is(
    connector.cn_add_callback(ID, 'ample', () => {}),
    0,
  );
  await clock.advance(10);
  t.is(
    connector.cn_add_callback({ idx: 21, val: 1 }, 'short', () => {}),
    -errnos.ENOMEM,
  );
});

test('KF §1.6, §2: /proc/net/connector lists who is registered, names cut to 31', (t) => {
  const { connector } = makeBench();
  connector.cn_add_callback(ID, 'n'.repeat(40), () => {});
  t.deepEqual(connector.callbacks(), [
    { name: 'cn_proc', id: { idx: 1, val: 1 } },
    { name: 'n'.repeat(31), id: ID },
  ]);
  t.deepEqual(makeBench({ processEvents: false }).connector.callbacks(), []);
});

test('KF §2: cn_del_callback ends the agent; of an unknown id it is no error', (t) => {
  const { connector, member } = makeBench();
  let calls = 0;
  connector.cn_add_callback(ID, 'agent', () => {
    calls += 1;
    connector.cn_del_callback(ID); // its own callback, while that runs
  });
  const socket = member();
  ask(socket, '');
  ask(socket, '');
  t.is(calls, 1);
  t.notThrows(() => connector.cn_del_callback({ idx: 77, val: 7 }));
  t.is(
    connector.cn_add_callback(ID, 'again', () => {}),
    0,
  );
});

test('KF §2.1: with no group and no portid the group is that of the id, which is idx', (t) => {
  const { connector, member } = makeBench();
  const [inside, outside] = [member(GROUP_20), member(1 << 20)];
  t.is(connector.cn_netlink_send(news('who'), 0, 0, 'GFP_KERNEL'), -errnos.ENODEV);
  connector.cn_add_callback(ID, 'agent', () => {});
  const other = { idx: 20, val: 2 };
  t.is(connector.cn_netlink_send(news('val', other), 0, 0, 'GFP_KERNEL'), -errnos.ENODEV);
  t.is(connector.cn_netlink_send(news('hello'), 0, 0, 'GFP_KERNEL'), 0);
  t.deepEqual([readAll(inside), readAll(outside)], [['0/0 hello'], []]);
});

test('KF §2.1, §5: an agent with idx above 32 has no group, and can only unicast', (t) => {
  const { connector, member } = makeBench();
  const far = { idx: 33, val: 1 };
  connector.cn_add_callback(far, 'far', () => {});
  const socket = member(0xffff_ffff);
  t.is(connector.cn_netlink_send(news('', far), 0, 0, 'GFP_KERNEL'), -errnos.ESRCH);
  t.is(connector.cn_netlink_send(news('', far), 0, 33, 'GFP_KERNEL'), -errnos.ESRCH);
  t.is(connector.cn_netlink_send(news('uni', far), portid(socket), 0, 'GFP_KERNEL'), 40);
  t.deepEqual(readAll(socket), ['0/0 uni']);
});

test('KF §2.1: without a listener -ESRCH, and to a group that all have left', (t) => {
  const { connector, member } = makeBench();
  t.is(connector.cn_netlink_send(news(''), 0, 20, 'GFP_KERNEL'), -errnos.ESRCH);
  const socket = member(GROUP_20);
  t.is(connector.cn_netlink_send(news(''), 0, 20, 'GFP_KERNEL'), 0);
  socket.setsockopt(abi.SOL_NETLINK, abi.NETLINK_DROP_MEMBERSHIP, 20);
  t.is(connector.cn_netlink_send(news(''), 0, 20, 'GFP_KERNEL'), -errnos.ESRCH);
});

test('KF §2.2: a message of any id goes to the group that is named', (t) => {
  const { connector, member } = makeBench();
  const socket = member(1 << 4);
  t.is(connector.cn_netlink_send(news('x', { idx: 99, val: 9 }), 0, 5, 'GFP_KERNEL'), 0);
  t.deepEqual(readAll(socket), ['0/0 x']);
});

test('KF §2.1: portid and group together are the group without the portid', (t) => {
  const { connector, member } = makeBench();
  const [one, two] = [member(GROUP_20), member(GROUP_20)];
  t.is(connector.cn_netlink_send(news('x'), portid(one), 20, 'GFP_KERNEL'), 0);
  t.deepEqual([readAll(one), readAll(two)], [[], ['0/0 x']]);
  two.close();
  t.is(connector.cn_netlink_send(news('x'), portid(one), 20, 'GFP_KERNEL'), -errnos.ESRCH);
});

test('KF §2.1: a unicast gives its padded length, -ECONNREFUSED, or -EAGAIN if full', (t) => {
  const { connector, member } = makeBench();
  const socket = member();
  socket.setsockopt(abi.SOL_SOCKET, abi.SO_RCVBUF, TWO_SLOTS);
  const to = portid(socket);
  t.is(connector.cn_netlink_send(news('12345'), to, 0, 'GFP_ATOMIC'), 44);
  t.is(connector.cn_netlink_send(news('2'), to, 0, 'GFP_ATOMIC'), 40);
  t.is(connector.cn_netlink_send(news('3'), to, 0, 'GFP_ATOMIC'), -errnos.EAGAIN);
  t.is(connector.cn_netlink_send(news('4'), 999, 0, 'GFP_ATOMIC'), -errnos.ECONNREFUSED);
  t.deepEqual(readAll(socket), [-errnos.ENOBUFS, '0/0 12345', '0/0 2'], "the kernel's is counted");
  t.is(socket.drops, 1);
});

test('KF §2.1: -ENOMEM comes after -ESRCH, and sooner for atomic allocations', async (t) => {
  const { clock, connector, member } = makeBench({ memory: short(0, 1) });
  await clock.advance(10);
  t.is(connector.cn_netlink_send(news(''), 0, 20, 'GFP_ATOMIC'), -errnos.ESRCH);
  const socket = member(GROUP_20);
  t.is(connector.cn_netlink_send(news(''), 0, 20, 'GFP_ATOMIC'), -errnos.ENOMEM);
  t.is(connector.cn_netlink_send(news(''), 0, 20, 'GFP_NOWAIT'), -errnos.ENOMEM);
  t.is(connector.cn_netlink_send(news('waits'), 0, 20, 'GFP_KERNEL'), 0);
  t.deepEqual(readAll(socket), ['0/0 waits'], 'what failed is not seen by anybody (KF §6.5 #3)');
  t.is(socket.drops, 0);
});

test('KF §2.1: what no datagram holds is -EMSGSIZE', (t) => {
  const { connector, member } = makeBench();
  const socket = member(GROUP_20);
  const send = (length: number): number => {
    const msg = { id: ID, seq: 1, ack: 1, data: new Uint8Array(length) };
    return connector.cn_netlink_send(msg, 0, 20, 'GFP_KERNEL');
  };
  t.is(send(65_536), -errnos.EMSGSIZE);
  t.is(send(65_535), 0, 'the kernel may send more than it takes (KF §1.4)');
  t.is((socket.recv(100_000) as { length: number }).length, 65_572);
});

test("KF §2.1: an agent in sendto waits for room in its caller's queue for ever", (t) => {
  const { connector, kernel } = makeBench();
  const process = kernel.process();
  const socket = open(process);
  socket.setsockopt(abi.SOL_SOCKET, abi.SO_RCVBUF, TWO_SLOTS);
  connector.cn_add_callback(ID, 'three replies', ({ seq, ack }, { portid: to }) => {
    for (let part = 1; part <= 3; part++) {
      connector.cn_netlink_send({ id: ID, seq, ack: ack + part }, to, 0, 'GFP_KERNEL');
    }
  });
  ask(socket, '');
  t.true(process.hung);
  t.throws(() => read(socket), { code: 'busy' });
  t.is(socket.drops, 0, 'and no error is told of it');
  process.exit();
  t.false(process.hung);
});

test("KF §2.1: an agent that waits for another's queue goes on when that is read", (t) => {
  const { connector, kernel, member } = makeBench();
  const reader = member();
  reader.setsockopt(abi.SOL_SOCKET, abi.SO_RCVBUF, TWO_SLOTS);
  const process = kernel.process();
  connector.cn_add_callback(ID, 'tells another', (msg) => {
    connector.cn_netlink_send({ ...msg, data: msg.data }, portid(reader), 0, 'GFP_KERNEL');
  });
  const socket = open(process);
  for (const text of ['a', 'b', 'c']) ask(socket, text);
  t.true(process.hung);
  t.is(read(reader), '1/1000 a');
  t.false(process.hung);
  t.deepEqual(readAll(reader), ['1/1000 b', '1/1000 c']);
});

test('KF §1.2: several cn_msg in one nlmsghdr, and a len that lies', (t) => {
  const { connector, member } = makeBench();
  const socket = member(GROUP_20);
  const pack = [news('one', ID, 1), news('two', ID, 2), news('three', ID, 3)];
  t.is(connector.cn_netlink_send_mult(pack, 0, 20, 'GFP_KERNEL'), 0);
  t.is(read(socket), '1/0 one, 2/0 two, 3/0 three');
  connector.cn_netlink_send_mult([{ ...news('short'), len: 116 }], 0, 20, 'GFP_KERNEL');
  t.is(read(socket), 'cn-length');
  t.is(connector.cn_netlink_send_mult([], 0, 20, 'GFP_KERNEL'), -errnos.EMSGSIZE);
});

test('KF §1.2: the kernel sends NLMSG_DONE from portid 0, nlmsg_seq a copy of seq', (t) => {
  const { connector, member } = makeBench();
  const socket = member(GROUP_20);
  connector.cn_netlink_send({ id: ID, seq: 77, ack: 5, data: bytes('12345') }, 0, 20, 'GFP_KERNEL');
  const received = socket.recv(100) as Exclude<ReturnType<typeof socket.recv>, number>;
  t.deepEqual(received.address, { nl_pid: 0, nl_groups: GROUP_20 });
  const decoded = decodeDatagram(received.bytes);
  t.true(decoded.ok);
  const { nlmsg, cn } = (decoded as Extract<typeof decoded, { ok: true }>).messages[0]!;
  t.deepEqual(nlmsg, { length: 41, type: 3, flags: 0, seq: 77, pid: 0 });
  t.deepEqual([received.bytes.length, cn.seq, cn.ack, cn.length], [44, 77, 5, 5]);
});

test('KF §1.1: before 2.6.33 nlmsg_len counts the padding', (t) => {
  const { connector, member } = makeBench({ release: '2.6.24' });
  const socket = member(GROUP_20);
  connector.cn_netlink_send(news('12345'), 0, 20, 'GFP_KERNEL');
  const received = socket.recv(100) as { readonly bytes: Uint8Array };
  t.is(new Uint32Array(received.bytes.slice(0, 4).buffer)[0], 44);
});
