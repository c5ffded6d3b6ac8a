import test from 'ava';
import type { ReleaseName } from '../../../transport/simulated/connector/kernel.ts';
import { ask, bytes, GROUP_20, ID, makeBench, readAll, words } from './bench.ts';

// "It is done by sending special command to connector driver (it also registers itself with
// id={-1, -1})": KF §4.

const CONNECTOR = { idx: 0xffff_ffff, val: 0xffff_ffff };

interface Range {
  readonly first: number;
  readonly range: number;
}

/** `struct cn_ctl_msg` with its ranges. */
function control(group: number, idx: readonly Range[], val: readonly Range[]): Uint8Array {
  const ranges = [...idx, ...val].flatMap(({ first, range }) => [first, range]);
  return words(idx.length, val.length, group, 4 * ranges.length, ...ranges);
}

const only = (first: number): Range => ({ first, range: 1 });
/** What cn_test.c asks for: one range of idx, two of val, ten each. */
const sample = [
  [{ first: 0x123, range: 10 }],
  [0x456, 0x46a].map((first) => ({ first, range: 10 })),
] as const;

/** The ids of which a kernel tells somebody who asked for these ranges. */
function told(
  release: ReleaseName | { notification: 'documented' | 'shipped' | 'absent' },
  [idx, val]: readonly [readonly Range[], readonly Range[]],
  ids: readonly (readonly [number, number])[],
): boolean[] {
  const options = typeof release === 'string' ? { release } : release;
  const { connector, member } = makeBench({ ...options, dispatch: 'synchronous' });
  const socket = member(GROUP_20);
  ask(socket, control(20, idx, val), { id: CONNECTOR });
  return ids.map(([idx, val]) => {
    connector.cn_add_callback({ idx, val }, 'agent', () => {});
    return readAll(socket).length > 0;
  });
}

test('KF §4: who asks is told when an id is registered (ack 0) and unregistered (ack 1)', (t) => {
  const { connector, member } = makeBench({ notification: 'documented' });
  const [socket, bystander] = [member(GROUP_20), member(1 << 4)];
  t.is(ask(socket, control(20, [only(20)], [only(1)]), { id: CONNECTOR }), 36 + 32);
  t.deepEqual(readAll(socket), [], 'the request is not answered');
  connector.cn_add_callback(ID, 'agent', () => {});
  connector.cn_add_callback(ID, 'agent', () => {}); // refused, so nothing was turned on
  connector.cn_add_callback({ idx: 20, val: 2 }, 'another', () => {});
  connector.cn_del_callback(ID);
  connector.cn_del_callback(ID); // not there any more, and told all the same
  t.deepEqual(readAll(socket), ['0/0 ', '0/1 ', '0/1 ']);
  t.deepEqual(readAll(bystander), []);
});

test('KF §4: a notification is a datagram of 36 bytes with the id itself', (t) => {
  const { connector, member } = makeBench({ notification: 'documented' });
  const socket = member(GROUP_20);
  ask(socket, control(20, [only(7)], [only(8)]), { id: CONNECTOR });
  connector.cn_del_callback({ idx: 7, val: 8 });
  const { bytes } = socket.recv(100) as { readonly bytes: Uint8Array };
  t.deepEqual([...new Uint32Array(bytes.buffer)], [36, 3, 0, 0, 7, 8, 0, 1, 0]);
});

test('KF §4: the three modes: documented, as shipped with its bug, absent', (t) => {
  const ids = [
    [0x123, 0x456],
    [0x123, 0x46a],
    [0x124, 0x125],
    [0x12d, 0x456],
  ] as const;
  t.deepEqual(told({ notification: 'documented' }, sample, ids), [true, true, false, false]);
  t.deepEqual(told({ notification: 'shipped' }, sample, ids), [true, false, true, false]);
  t.deepEqual(told({ notification: 'absent' }, sample, ids), [false, false, false, false]);
  t.deepEqual(told('text', sample, ids), [true, true, false, false]);
  t.deepEqual(told('2.6.24', sample, ids), [true, false, true, false]);
  t.deepEqual(told('6.18', sample, ids), [false, false, false, false]);
});

test('KF §4: with one range each, the shipped code never looks at the val range', (t) => {
  const one = [[{ first: 10, range: 5 }], [{ first: 100, range: 5 }]] as const;
  const ids = [
    [10, 100],
    [10, 12],
  ] as const;
  t.deepEqual(told({ notification: 'documented' }, one, ids), [true, false]);
  t.deepEqual(told({ notification: 'shipped' }, one, ids), [false, true]);
});

test('KF §4: a range ends before first + range, in 32 bits that wrap', (t) => {
  const all = { first: 0, range: 0xffff_ffff };
  const ids = [
    [0xffff_fffe, 1],
    [0xffff_ffff, 1],
  ] as const;
  const wraps = [[{ first: 0xffff_fffe, range: 2 }], [all]] as const;
  t.deepEqual(told({ notification: 'documented' }, [[all], [all]], ids), [true, false]);
  t.deepEqual(told({ notification: 'documented' }, wraps, ids), [false, false]);
});

test('KF §4: two equal requests are told twice, newest first; group 0 takes both back', (t) => {
  const { connector, member } = makeBench({ notification: 'documented' });
  const [socket, other] = [member(GROUP_20), member(1 << 4)];
  const ranges = [[only(7)], [only(8)]] as const;
  for (const group of [20, 20, 5]) ask(socket, control(group, ...ranges), { id: CONNECTOR });
  connector.cn_del_callback({ idx: 7, val: 8 });
  t.deepEqual([readAll(socket).length, readAll(other).length], [2, 1]);
  ask(other, control(0, [only(7)], [only(9)]), { id: CONNECTOR });
  connector.cn_del_callback({ idx: 7, val: 8 });
  t.deepEqual([readAll(socket).length, readAll(other).length], [2, 1], 'not an equal one');
  ask(other, control(0, ...ranges), { id: CONNECTOR });
  connector.cn_del_callback({ idx: 7, val: 8 });
  t.deepEqual([readAll(socket).length, readAll(other).length], [0, 0]);
});

test('KF §4: who asked last is told first', (t) => {
  const { connector, member } = makeBench({ notification: 'documented' });
  const socket = member(GROUP_20 | (1 << 4));
  for (const group of [20, 5]) {
    ask(socket, control(group, [only(7)], [only(8)]), { id: CONNECTOR });
  }
  connector.cn_del_callback({ idx: 7, val: 8 });
  const masks = [0, 1].map(() => socket.recv(100) as { readonly address: object });
  t.deepEqual(
    masks.map(({ address }) => address),
    [1 << 4, GROUP_20].map((nl_groups) => ({ nl_pid: 0, nl_groups })),
  );
});

test('KF §4: a request stays when its sender is gone, and needs no right', (t) => {
  const { connector, kernel, member } = makeBench({ notification: 'documented' });
  const asker = member(0, { uid: 1000 });
  const socket = member(GROUP_20);
  ask(asker, control(20, [only(7)], [only(8)]), { id: CONNECTOR });
  asker.close();
  connector.cn_del_callback({ idx: 7, val: 8 });
  t.is(readAll(socket).length, 1);
  t.is(kernel.procNetNetlink().length, 1);
});

test('KF §4: what is malformed is ignored', (t) => {
  const { connector, member } = makeBench({ notification: 'documented' });
  const socket = member(GROUP_20);
  const good = control(20, [only(7)], [only(8)]);
  const longer = new Uint8Array([...good, 0, 0, 0, 0]);
  const lies = good.slice();
  lies[12] = 8; // ctl.len
  const counts = good.slice();
  counts[0] = 2; // idx_notify_num
  for (const bad of [bytes(''), good.slice(0, 12), good.slice(0, 28), longer, lies, counts]) {
    t.is(ask(socket, bad, { id: CONNECTOR }), 36 + bad.length);
  }
  connector.cn_del_callback({ idx: 7, val: 8 });
  t.deepEqual(readAll(socket), []);
  ask(socket, good, { id: CONNECTOR });
  connector.cn_del_callback({ idx: 7, val: 8 });
  t.is(readAll(socket).length, 1);
});

test('KF §4: the connector is an agent itself, with the group that is no group', (t) => {
  const { connector } = makeBench({ notification: 'documented', processEvents: false });
  t.deepEqual(connector.callbacks(), [{ name: 'connector', id: CONNECTOR }]);
  const msg = { id: CONNECTOR, seq: 0, ack: 0 };
  t.is(connector.cn_netlink_send(msg, 0, 0, 'GFP_KERNEL'), -3, 'ESRCH: group 0xffffffff');
});
