import test from 'ava';
import { errnos } from '../../../transport/simulated/connector/kernel.ts';
import type { CnMsg, NetlinkSkbParms } from '../../../transport/simulated/connector/kernel.ts';
import { encodeMessage } from '../../../transport/wire/datagram.ts';
import { ask, ID, makeBench, open, portid, readAll, short } from './bench.ts';

// From a process to an agent: KF §1.3, §1.4, §2.3.

test('KF §2.3: the callback runs inside sendto, and the answer is there when it returns', (t) => {
  const { connector, member } = makeBench();
  let inside = false;
  let seen: boolean | undefined;
  connector.cn_add_callback(ID, 'echo', ({ seq, ack, data }, nsp) => {
    seen = inside;
    const reply = { id: ID, seq, ack: ack + 1, data };
    t.is(connector.cn_netlink_send(reply, nsp.portid, 0, 'GFP_KERNEL'), 40);
  });
  const socket = member();
  inside = true;
  t.is(ask(socket, 'ping'), 40);
  inside = false;
  t.true(seen);
  t.deepEqual(readAll(socket), ['1/1001 ping']);
});

test('KF §2.3: on the work queue it runs after sendto, at the same time', async (t) => {
  const { clock, connector, member } = makeBench({ dispatch: 'work-queue' });
  const calls: string[] = [];
  connector.cn_add_callback(ID, 'agent', ({ data }) => calls.push(new TextDecoder().decode(data)));
  const socket = member();
  for (const text of ['a', 'b', 'c']) ask(socket, text);
  t.deepEqual(calls, []);
  const now = clock.now();
  await clock.advance(0);
  t.deepEqual(calls, ['a', 'b', 'c']);
  t.is(clock.now(), now);
});

test('KF §6.5 #15: a second work item that cannot be had is a lost message', async (t) => {
  const { clock, connector, member } = makeBench({ dispatch: 'work-queue', memory: short(0, 1) });
  let calls = 0;
  connector.cn_add_callback(ID, 'agent', () => (calls += 1));
  const socket = member();
  await clock.advance(10);
  t.deepEqual([ask(socket, ''), ask(socket, ''), ask(socket, '')], [36, 36, 36]);
  await clock.advance(0);
  t.is(calls, 1, 'the first has its own item');
  ask(socket, '');
  await clock.advance(0);
  t.is(calls, 2, 'which is free again');
});

test('KF §2: unregistering runs what was queued before', (t) => {
  const { connector, member } = makeBench({ release: 'text' });
  let calls = 0;
  connector.cn_add_callback(ID, 'agent', () => (calls += 1));
  ask(member(), '');
  connector.cn_del_callback(ID);
  t.is(calls, 1);
});

test('the callback is told who asks, and gets the message as a cn_msg', (t) => {
  const { connector, member } = makeBench();
  let got: [CnMsg, NetlinkSkbParms] | undefined;
  connector.cn_add_callback(ID, 'agent', (...heard) => (got = heard));
  const socket = member(0, { pid: 500, uid: 1000, gid: 100 });
  ask(socket, 'abc', { seq: 0xffff_ffff, ack: 7, flags: 3 });
  const [msg, nsp] = got!;
  const data = new TextEncoder().encode('abc');
  t.deepEqual(msg, { id: ID, seq: 0xffff_ffff, ack: 7, len: 3, flags: 3, data });
  t.is(nsp.portid, portid(socket));
  t.deepEqual(nsp.creds, { pid: 500, uid: 1000, gid: 100 });
  t.false(nsp.netAdmin);
});

/** Which of a table of datagrams reach an agent; each must be accepted whole by sendto. */
function reaches(
  release: '2.6.18' | '2.6.24' | '6.18',
  datagram: Uint8Array,
): { readonly sent: number; readonly reached: boolean; readonly len: number | undefined } {
  const { connector, member } = makeBench({ release, dispatch: 'synchronous' });
  let len: number | undefined;
  connector.cn_add_callback({ idx: 1, val: 2 }, 'probe', (msg) => (len = msg.len));
  const sent = member().sendto(datagram, 0, { nl_pid: 0, nl_groups: 0 });
  return { sent, reached: len !== undefined, len };
}

/** A request to 1:2 of 40 bytes, with other words written over it at byte offsets. */
function request(over: Record<number, number> = {}, length = 40): Uint8Array {
  const cn = { id: { idx: 1, val: 2 }, seq: 1, ack: 2, flags: 0 };
  const bytes = new Uint8Array(length);
  bytes.set(encodeMessage(cn, new Uint8Array(4)).subarray(0, length));
  const view = new DataView(bytes.buffer);
  for (const [at, word] of Object.entries(over)) view.setUint32(Number(at), word, true);
  return bytes;
}

const cases: readonly (readonly [string, Uint8Array, boolean])[] = [
  ['exact', request(), true],
  ['39 bytes with nlmsg_len 40', request({}, 39), false],
  ['nlmsg_len 41 in 40 bytes', request({ 0: 41 }), false],
  ['nlmsg_len 0xffffffff', request({ 0: 0xffff_ffff }), false],
  ['nlmsg_len 0x80000010', request({ 0: 0x8000_0010 }), false],
  ['nlmsg_len 0', request({ 0: 0 }), false],
  ['nlmsg_len 16', request({ 0: 16 }), false],
  ['nlmsg_len 35', request({ 0: 35 }), false],
  ['nlmsg_len 36 but cn.len 4', request({ 0: 36 }), false],
  ['nlmsg_len longer than 36 + cn.len', request({ 0: 60 }, 60), true],
  ['garbage after nlmsg_len', request({}, 60), true],
  ['nlmsg_len 16 + 16384', request({ 0: 16_400 }, 16_400), true],
  ['nlmsg_len 16 + 16385', request({ 0: 16_401 }, 16_404), false],
  ['another id', request({ 20: 3 }), false],
  ['1 byte', request({}, 1), false],
  ['15 bytes', request({}, 15), false],
  ['any nlmsg_type and flags, NLM_F_ACK too', request({ 4: 0x0005_0010 }), true],
  ['any nlmsg_seq and nlmsg_pid', request({ 8: 99, 12: 31_337 }), true],
];
for (const [name, datagram, good] of cases) {
  test(`KF §1.4: sendto takes it, and it ${good ? 'arrives' : 'vanishes'}: ${name}`, (t) => {
    const { sent, reached } = reaches('6.18', datagram);
    t.is(sent, datagram.length);
    t.is(reached, good);
  });
}

test('KF §1.3: only the first nlmsghdr of a datagram is looked at', (t) => {
  const { connector, member } = makeBench();
  let calls = 0;
  connector.cn_add_callback(ID, 'agent', () => (calls += 1));
  const cn = { id: ID, seq: 1, ack: 1, flags: 0 };
  const one = encodeMessage(cn, new Uint8Array(4));
  const two = new Uint8Array([...one, ...one]);
  t.is(member().sendto(two, 0, { nl_pid: 0, nl_groups: 0 }), 80);
  t.is(calls, 1);
});

test('KF §1.4: old kernels bound nlmsg_len and believe cn.len', (t) => {
  t.like(reaches('2.6.24', request({ 32: 1000 })), { reached: true, len: 1000 });
  t.true(reaches('2.6.24', request({ 0: 20 })).reached, 'nlmsg_len may be short of a cn_msg');
  t.false(reaches('2.6.24', request({ 0: 19 })).reached);
  t.true(reaches('2.6.24', request({ 0: 16_384 }, 16_384)).reached);
  t.false(reaches('2.6.24', request({ 0: 16_385 }, 16_388)).reached);
  t.true(reaches('2.6.18', request({ 0: 1024 }, 1024)).reached);
  t.false(reaches('2.6.18', request({ 0: 1025 }, 1028)).reached);
});

test("KF §1.4: what sendto itself refuses, in the kernel's order", (t) => {
  const { kernel } = makeBench();
  const socket = open(kernel.process({ uid: 1000 }));
  const bytes = new Uint8Array(40);
  const to = { nl_pid: 0, nl_groups: 0 };
  t.is(socket.sendto(new Uint8Array(0), 1, { ...to, nl_family: 2 }), -errnos.EOPNOTSUPP);
  t.is(socket.sendto(new Uint8Array(0), 0, { ...to, nl_family: 2 }), -errnos.ENODATA);
  t.is(socket.sendto(bytes, 0, { nl_family: 2, nl_pid: 5, nl_groups: 0 }), -errnos.EINVAL);
  t.is(socket.sendto(bytes, 0, to, 8), -errnos.EINVAL);
  t.is(socket.sendto(new Uint8Array(300_000), 0, { ...to, nl_pid: 5 }), -errnos.EPERM);
  t.is(portid(socket), 0, 'not bound so far');
  t.is(socket.sendto(new Uint8Array(212_961), 0, to), -errnos.EMSGSIZE);
  t.not(portid(socket), 0, 'the first send that gets so far binds');
  t.is(socket.sendto(new Uint8Array(212_960), 0, to), 212_960);
});

test('KF §6.5 #14: without memory sendto is -ENOBUFS, and nobody is called', async (t) => {
  const { clock, connector, member } = makeBench({ memory: short(1, 0) });
  let calls = 0;
  connector.cn_add_callback(ID, 'agent', () => (calls += 1));
  const socket = member();
  await clock.advance(10);
  t.is(ask(socket, ''), -errnos.ENOBUFS);
  t.is(calls, 0);
});

test('the same seed fails the same allocations', async (t) => {
  const history = async (seed: number): Promise<string> => {
    const { clock, connector, member } = makeBench({ seed, memory: 'severe' });
    const socket = member(1 << 19);
    let results = '';
    for (let step = 0; step < 300; step++) {
      await clock.advance(1);
      results += connector.cn_netlink_send({ id: ID, seq: step, ack: 0 }, 0, 20, 'GFP_ATOMIC');
    }
    return `${results} ${readAll(socket).length}`;
  };
  const first = await history(5);
  t.is(first, await history(5));
  t.not(first, await history(6));
  t.true(first.includes('-12'));
});
