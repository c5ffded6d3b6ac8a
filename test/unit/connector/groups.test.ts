import test from 'ava';
import { errnos } from '../../../transport/simulated/connector/kernel.ts';
import type { SimulatedSocket } from '../../../transport/simulated/connector/kernel.ts';
import * as abi from '../../../transport/simulated/connector/abi.ts';
import { ID, makeBench, open, portid, readAll } from './bench.ts';

// Membership, rights and addresses: KF §1.5, §5, §6.6, §8.

const add = (socket: SimulatedSocket, group: number, length = 4): number =>
  socket.setsockopt(abi.SOL_NETLINK, abi.NETLINK_ADD_MEMBERSHIP, group, length);
const drop = (socket: SimulatedSocket, group: number): number =>
  socket.setsockopt(abi.SOL_NETLINK, abi.NETLINK_DROP_MEMBERSHIP, group);
const groupsOf = (socket: SimulatedSocket): number =>
  (socket.getsockname() as { readonly nl_groups: number }).nl_groups;
const ranks = (mask: number): number[] =>
  Array.from({ length: 32 }, (_, at) => at + 1).filter((group) => (mask >>> (group - 1)) & 1);

test("KF §5: there are 32 groups: 0 and 33 are EINVAL, and so is the 2005 text's 12345", (t) => {
  for (const protocol of [abi.NETLINK_CONNECTOR, abi.NETLINK_USERSOCK]) {
    const socket = open(makeBench().kernel.process(), protocol);
    for (const group of [0, 33, 12_345]) t.is(add(socket, group), -errnos.EINVAL);
    for (let group = 1; group <= 32; group++) t.is(add(socket, group), 0);
    t.is(groupsOf(socket), 0xffff_ffff);
    t.deepEqual(socket.getsockopt(abi.SOL_NETLINK, abi.NETLINK_LIST_MEMBERSHIPS), [0xffff_ffff]);
  }
});

test('KF §5: bind takes a mask, setsockopt a number: 12345 is 1, 4, 5, 6, 13, 14', (t) => {
  const { member } = makeBench();
  t.deepEqual(ranks(groupsOf(member(12_345))), [1, 4, 5, 6, 13, 14]);
  const socket = member();
  add(socket, 7);
  t.deepEqual(ranks(groupsOf(socket)), [7]);
});

test("KF §5: DROP_MEMBERSHIP is 2; the 2005 text's 0 is no option", (t) => {
  const { connector, member } = makeBench();
  const socket = member(1 << 19);
  t.is(socket.setsockopt(abi.SOL_NETLINK, 0, 20), -errnos.ENOPROTOOPT);
  t.is(groupsOf(socket), 1 << 19);
  t.is(drop(socket, 20), 0);
  t.is(connector.cn_netlink_send({ id: ID, seq: 1, ack: 1 }, 0, 20, 'GFP_KERNEL'), -errnos.ESRCH);
  t.is(drop(socket, 20), 0, 'who is no member may leave');
});

test('KF §5: an option shorter than an int counts as 0, which is no group', (t) => {
  t.is(add(makeBench().member(), 1, 2), -errnos.EINVAL);
});

test('KF §5: to bind again replaces the groups; another portid, 0 too, is EINVAL', (t) => {
  const { member } = makeBench();
  const socket = member(0b111);
  const own = portid(socket);
  t.is(socket.bind({ nl_pid: 0, nl_groups: 1 }), -errnos.EINVAL);
  t.is(socket.bind({ nl_pid: own + 1, nl_groups: 1 }), -errnos.EINVAL);
  t.is(groupsOf(socket), 0b111);
  t.is(socket.bind({ nl_pid: own, nl_groups: 0b1000 }), 0);
  t.is(groupsOf(socket), 0b1000);
  t.is(socket.bind({ nl_pid: own, nl_groups: 0 }), 0);
  t.is(groupsOf(socket), 0);
});

test('KF §1.5: since 6.6 the unprivileged join every odd group, and no other', (t) => {
  const { member } = makeBench();
  const joined = Array.from({ length: 32 }, (_, at) => at + 1).filter((group) => {
    const socket = member(0, { uid: 1000 });
    const byNumber = add(socket, group);
    t.is(member(0, { uid: 1000 }).bind({ nl_pid: 0, nl_groups: 0 }), -errnos.EINVAL);
    const byMask = open(makeBench().kernel.process({ uid: 1000 }));
    t.is(byMask.bind({ nl_pid: 0, nl_groups: 1 << (group - 1) }), byNumber);
    t.is(byNumber, group % 2 === 1 ? 0 : -errnos.EPERM);
    return byNumber === 0;
  });
  t.deepEqual(joined, [1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31]);
  const socket = open(makeBench().kernel.process({ uid: 1000 }));
  t.is(socket.bind({ nl_pid: 0, nl_groups: 0xffff_ffff }), -errnos.EPERM);
  t.is(portid(socket), 0);
});

test('KF §1.5: before 6.6 joining any group takes CAP_NET_ADMIN', (t) => {
  const { member } = makeBench({ release: '6.1' });
  for (const group of [1, 2]) t.is(add(member(0, { uid: 1000 }), group), -errnos.EPERM);
  t.is(add(member(0, { uid: 1000, netAdmin: true }), 1), 0);
});

test('KF §1.5: sending to the kernel takes no right; to a portid or a group it takes one', (t) => {
  const bytes = new Uint8Array(36);
  const { kernel, member } = makeBench();
  const [nobody, other] = [member(0, { uid: 1000 }), member()];
  const to = portid(other);
  t.is(nobody.sendto(bytes, 0, { nl_pid: 0, nl_groups: 0 }), 36);
  t.is(nobody.sendto(bytes, 0, { nl_pid: to, nl_groups: 0 }), -errnos.EPERM);
  t.is(nobody.sendto(bytes, 0, { nl_pid: 0, nl_groups: 1 }), -errnos.EPERM);
  t.is(nobody.connect({ nl_pid: to, nl_groups: 0 }), -errnos.EPERM);
  const root = open(kernel.process());
  t.is(root.sendto(bytes, 0, { nl_pid: to, nl_groups: 0 }), 36);
  const old = makeBench({ release: '2.6.24' });
  const target = portid(old.member());
  const unprivileged = old.member(0, { uid: 1000 });
  t.is(unprivileged.sendto(bytes, 0, { nl_pid: target, nl_groups: 0 }), 36);
  t.is(unprivileged.sendto(bytes, 0, { nl_pid: 0, nl_groups: 1 }), -errnos.EPERM);
});

test('KF §8.3: on USERSOCK all may send, joining takes a right, dropping too', (t) => {
  const { kernel } = makeBench();
  const member = open(kernel.process(), abi.NETLINK_USERSOCK);
  member.bind({ nl_pid: 0, nl_groups: 1 });
  const nobody = open(kernel.process({ uid: 1000 }), abi.NETLINK_USERSOCK);
  const bytes = new Uint8Array(8);
  t.is(nobody.sendto(bytes, 0, { nl_pid: portid(member), nl_groups: 0 }), 8);
  t.is(nobody.sendto(bytes, 0, { nl_pid: 0, nl_groups: 1 }), -errnos.ECONNREFUSED);
  t.is(readAll(member).length, 2, 'the multicast came, though the result says refused (KF §6.6)');
  t.is(add(nobody, 1), -errnos.EPERM);
  t.is(drop(nobody, 1), -errnos.EPERM);
});

test('KF §5: of several groups in nl_groups a send goes to the lowest', (t) => {
  const { kernel } = makeBench();
  const open2 = (): SimulatedSocket => open(kernel.process(), abi.NETLINK_USERSOCK);
  const [sender, four, nine] = [open2(), open2(), open2()];
  four.bind({ nl_pid: 0, nl_groups: 1 << 3 });
  nine.bind({ nl_pid: 0, nl_groups: 1 << 8 });
  sender.sendto(new Uint8Array(4), 0, { nl_pid: 0, nl_groups: (1 << 3) | (1 << 8) });
  t.deepEqual([readAll(four).length, readAll(nine).length], [1, 0]);
});

test('KF §6.6: to a group and a portid: both, the portid once, and its result', (t) => {
  const { kernel } = makeBench();
  const open2 = (): SimulatedSocket => {
    const socket = open(kernel.process(), abi.NETLINK_USERSOCK);
    socket.bind({ nl_pid: 0, nl_groups: 1 });
    return socket;
  };
  const [sender, one, two] = [open2(), open2(), open2()];
  const send = (nl_pid: number): number =>
    sender.sendto(new Uint8Array(4), 0, { nl_pid, nl_groups: 1 });
  t.is(send(portid(one)), 4);
  t.deepEqual(
    [sender, one, two].map((each) => readAll(each).length),
    [0, 1, 1],
  );
  t.is(send(99), -errnos.ECONNREFUSED);
  t.deepEqual(
    [sender, one, two].map((each) => readAll(each).length),
    [0, 1, 1],
  );
});

test("KF §6.6: a process's multicast on the connector is taken for a request as well", (t) => {
  const { connector, member } = makeBench();
  let calls = 0;
  connector.cn_add_callback({ idx: 0, val: 0 }, 'zeros', () => (calls += 1));
  const [root, listener] = [member(), member(1 << 19)];
  const bytes = new Uint8Array(36);
  bytes[0] = 36;
  t.is(root.sendto(bytes, 0, { nl_pid: 0, nl_groups: 1 << 19 }), 36);
  t.is(calls, 1);
  const forged = listener.recv(100) as { readonly address: { readonly nl_pid: number } };
  t.is(forged.address.nl_pid, portid(root), "and shows by its source that it is not the kernel's");
});

test('KF §8.1: an unbound socket gets the process id, the next a random number above 2^31', (t) => {
  const { kernel } = makeBench();
  const process = kernel.process({ pid: 4321 });
  const [first, second] = [open(process), open(process)];
  for (const socket of [first, second]) t.is(socket.bind({ nl_pid: 0, nl_groups: 0 }), 0);
  t.is(portid(first), 4321);
  t.true(portid(second) >= 0x8000_0000 && portid(second) <= 0xffff_efff);
  const usersock = open(process, abi.NETLINK_USERSOCK);
  usersock.bind({ nl_pid: 0, nl_groups: 0 });
  t.is(portid(usersock), 4321, 'each family counts for itself');
});

test('KF §8.1: any free portid may be bound by anybody, once, and again after close', (t) => {
  const { kernel } = makeBench();
  const [squatter, owner] = [open(kernel.process({ uid: 1000 })), open(kernel.process())];
  t.is(squatter.bind({ nl_pid: 0x7fff_ffff, nl_groups: 0 }), 0);
  t.is(owner.bind({ nl_pid: 0x7fff_ffff, nl_groups: 0 }), -errnos.EADDRINUSE);
  squatter.close();
  t.is(owner.bind({ nl_pid: 0x7fff_ffff, nl_groups: 0 }), 0);
  t.is(squatter.bind({ nl_pid: 1, nl_groups: 0 }), -errnos.EBADF);
});

test('KF §8.5: raw and datagram sockets of known families only', (t) => {
  const process = makeBench().kernel.process();
  t.is(process.socket(1, abi.NETLINK_CONNECTOR), -errnos.ESOCKTNOSUPPORT);
  t.is(process.socket(abi.SOCK_RAW, 31), -errnos.EPROTONOSUPPORT);
  t.is(typeof process.socket(abi.SOCK_DGRAM, abi.NETLINK_CONNECTOR), 'object');
});

test('KF §8.7: who is connected hears only its peer', (t) => {
  const { kernel } = makeBench();
  const bound = (): SimulatedSocket => {
    const socket = open(kernel.process(), abi.NETLINK_USERSOCK);
    socket.bind({ nl_pid: 0, nl_groups: 0 });
    return socket;
  };
  const [one, two, stranger] = [bound(), bound(), bound()];
  t.is(one.connect({ nl_pid: portid(two), nl_groups: 0 }), 0);
  const to = { nl_pid: portid(one), nl_groups: 0 };
  t.is(stranger.sendto(new Uint8Array(4), 0, to), -errnos.ECONNREFUSED);
  t.is(two.sendto(new Uint8Array(4), 0, to), 4);
  t.is(one.sendto(new Uint8Array(4)), 4, 'and needs no address');
  t.is(readAll(two).length, 1);
  t.is(one.connect({ nl_family: abi.AF_UNSPEC, nl_pid: 0, nl_groups: 0 }), 0);
  t.is(stranger.sendto(new Uint8Array(4), 0, to), 4);
});

test('KF §8.8: in another network namespace the connector has nobody in it', (t) => {
  const { connector, kernel, member } = makeBench();
  const elsewhere = open(kernel.process({ netns: 1 }));
  t.is(elsewhere.bind({ nl_pid: 0, nl_groups: 1 << 19 }), 0);
  t.is(elsewhere.sendto(new Uint8Array(36)), -errnos.ECONNREFUSED);
  t.is(connector.cn_netlink_send({ id: ID, seq: 1, ack: 1 }, 0, 20, 'GFP_KERNEL'), -errnos.ESRCH);
  const here = member();
  const to = { nl_pid: portid(elsewhere), nl_groups: 0 };
  t.is(here.sendto(new Uint8Array(36), 0, to), -errnos.ECONNREFUSED);
  t.is(kernel.procNetNetlink(1).length, 1);
});
