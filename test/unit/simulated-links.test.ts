import test from 'ava';
import { SeededRandom } from '../../core/random.ts';
import { portidOf } from '../../transport/portid.ts';
import type { NetworkOptions } from '../../transport/simulated/network.ts';
import { numbered } from '../compliance/recorder.ts';
import { constant, makeWorld, misuse, small } from './simulated-world.ts';

test('a cut link loses one way only, and hides that the peer is dead or full', async (t) => {
  const { clock, network, open, send } = makeWorld();
  const [a, b] = [open(), open(small)];
  t.deepEqual(send(a.socket, 2, 1, 3), ['sent', 'sent', 'busy']);
  network.partition(1, 2);
  t.deepEqual(send(a.socket, 2, 3, 5), ['sent', 'sent', 'sent']);
  send(b.socket, 1, 6);
  await clock.advance(0);
  t.deepEqual([a.sink.numbers, b.sink.numbers], [[6], [1, 2]]);
  b.socket.close();
  t.deepEqual(send(a.socket, 2, 5), ['sent']);
  network.heal(1, 2);
  t.deepEqual(send(a.socket, 2, 6), ['no-peer']);
  t.is(network.link(1, 2).counters.lost, 4);
  t.is(network.stats().lost, 4);
});

test('cut links are mended one by one, or all at once', async (t) => {
  const { clock, network, open, send } = makeWorld();
  const [a, b, c] = [open(), open(), open()];
  const reached = async (): Promise<number[]> => {
    for (const from of [a, b, c]) for (const to of [1, 2, 3]) send(from.socket, to, 1);
    await clock.advance(0);
    return [a, b, c].map(({ sink }) => sink.datagrams.splice(0).length);
  };
  for (const [from, to] of [[1, 2], [1, 3], [2, 3], [2, 1]] as const) network.partition(from, to);
  t.deepEqual(await reached(), [2, 2, 1]);
  network.heal(2, 3);
  t.deepEqual(await reached(), [2, 2, 2]);
  network.heal(1);
  t.deepEqual(await reached(), [2, 3, 3]);
  network.heal();
  t.deepEqual(await reached(), [3, 3, 3]);
});

test('a server is found by the convention of the network', (t) => {
  const id = { idx: 5, val: 1 };
  const netlinkAlike = makeWorld();
  const address = netlinkAlike.network.locate(id);
  t.is(netlinkAlike.open({ address }).socket.locate(id), address);
  t.is(address, portidOf(id));
  t.is(makeWorld({ locate: () => 0 }).open().socket.locate(id), 0);
});

test('what is under way when the link is cut arrives', async (t) => {
  const { clock, network, open, send } = makeWorld({ faults: constant });
  const [a, b] = [open(), open()];
  send(a.socket, 2, 1);
  network.partition(1, 2);
  await clock.advance(5);
  t.deepEqual(b.sink.numbers, [1]);
});

test('a crash loses the queue, and what is under way reaches the next incarnation', async (t) => {
  const { clock, network, open, send } = makeWorld();
  const [a, b] = [open(), open({ address: 7, readDelayMs: 1 })];
  send(a.socket, 7, 1, 3);
  t.is(clock.pending, 1);
  network.crash(7);
  t.is(clock.pending, 0, 'its reader is gone with it');
  network.crash(7);
  const other = open({ address: 7 });
  network.link(1, 7).set(constant);
  send(a.socket, 7, 4);
  other.socket.close();
  t.deepEqual(send(a.socket, 7, 5), ['no-peer']);
  t.like(network.stats(), { vanished: 3, noPeer: 1 });
  const again = open({ address: 7 });
  await clock.advance(10);
  t.is(b.sink.calls, '');
  t.deepEqual(again.sink.numbers, [4]);
});

test('what arrives where nobody is any more vanishes', async (t) => {
  const { clock, network, open, send } = makeWorld({ faults: constant });
  const [a, b] = [open(), open()];
  send(a.socket, 2, 1);
  b.socket.close();
  await clock.advance(5);
  t.like(network.stats(), { datagrams: 1, vanished: 1, delivered: 0 });
});

test('a link holds no more than its limit', async (t) => {
  const { clock, network, open, send } = makeWorld({ faults: constant, underWayMax: 10 });
  const [a, b] = [open(), open()];
  send(a.socket, 2, 1, 15);
  await clock.advance(5);
  t.is(b.sink.datagrams.length, 10);
  t.is(network.stats().lost, 5);
  send(a.socket, 2, 16);
  await clock.advance(5);
  t.is(b.sink.numbers.at(-1), 16);
});

test('links are set one by one, for what is sent from then on', async (t) => {
  const { clock, network, open, send } = makeWorld({ traits: { fifo: false } });
  const [a, b, c] = [open(), open(), open()];
  network.link(1, 2).set({ delayMs: { min: 1, max: 9 }, loss: 0.5 });
  send(a.socket, 2, 1, 200);
  send(a.socket, 3, 1, 200);
  await clock.advance(0);
  t.is(b.sink.datagrams.length, 0);
  t.is(c.sink.datagrams.length, 200);
  await clock.advance(9);
  t.is(b.sink.datagrams.length, 200 - network.stats().lost);
  t.true(network.stats().reordered > 0);
  t.is(network.stats().reordered, overtaken(b.sink.numbers));
});

test('a shorter way is taken at once, where no order is promised', async (t) => {
  const { clock, network, open, send } = makeWorld({ traits: { fifo: false } });
  const [a, b] = [open(), open()];
  network.link(1, 2).set({ delayMs: { min: 9, max: 9 } });
  send(a.socket, 2, 1);
  network.link(1, 2).set({ delayMs: { min: 2, max: 2 } });
  send(a.socket, 2, 2);
  await clock.advance(2);
  t.deepEqual(b.sink.numbers, [2]);
  await clock.advance(6.9);
  t.deepEqual(b.sink.numbers, [2]);
  await clock.advance(0.1);
  t.deepEqual(b.sink.numbers, [2, 1]);
});

test('each link has luck of its own', async (t) => {
  const { clock, open, send } = makeWorld({ faults: { loss: 0.5 } });
  const [a, b, c] = [open(), open(), open()];
  send(a.socket, 2, 1, 100);
  send(a.socket, 3, 1, 100);
  send(b.socket, 3, 101, 200);
  await clock.advance(0);
  const fromA = c.sink.numbers.filter((number) => number <= 100);
  const fromB = c.sink.numbers.filter((number) => number > 100).map((number) => number - 100);
  t.notDeepEqual(b.sink.numbers, fromA);
  t.notDeepEqual(fromB, fromA);
  t.notDeepEqual(fromB, b.sink.numbers);
});

test('a node has the same luck whoever was there before it', async (t) => {
  const memory = { ampleMs: 1, shortMs: 1e6, kernel: 0.5, atomic: 0.5 };
  const outcomes = async (before: readonly number[]): Promise<string[]> => {
    const { clock, open, send } = makeWorld({ memory });
    for (const address of [...before, 2]) open({ address });
    const a = open({ address: 1 });
    await clock.advance(10);
    return send(a.socket, 2, 1, 40);
  };
  t.deepEqual(await outcomes([]), await outcomes([7, 8]));
});

/** How many came after a later one. */
function overtaken(numbers: readonly number[]): number {
  let highest = 0;
  let count = 0;
  for (const number of numbers) {
    if (number < highest) count += 1;
    else highest = number;
  }
  return count;
}

test('a copy arrives as often and as late as set, and is not called reordered', async (t) => {
  const faults = { duplicate: 1, duplicateDelayMs: { min: 60_000, max: 120_000 } };
  const { clock, network, open, send } = makeWorld({ faults });
  const [a, b] = [open(), open()];
  t.true(a.socket.traits.fifo);
  send(a.socket, 2, 1, 10);
  await clock.advance(59_999);
  t.is(b.sink.datagrams.length, 10);
  await clock.advance(60_001);
  t.is(b.sink.datagrams.length, 20);
  t.is(new Set(b.sink.numbers).size, 10);
  t.like(network.stats(), { datagrams: 10, duplicated: 10, delivered: 20, reordered: 0 });
  b.socket.join(3);
  a.socket.multicast(numbered(11), 0, 64, 3);
  await clock.advance(120_000);
  const [original, copy] = b.sink.datagrams.slice(20);
  t.deepEqual(copy, original, 'group, sender and credentials included');
});

test('damage is counted, and hits a copy and not the sender', async (t) => {
  const { clock, network, open } = makeWorld({ faults: { corrupt: 1, truncate: 0.5 } });
  const [a, b] = [open(), open()];
  t.false(a.socket.traits.intact);
  const slab = numbered(1, 64);
  for (let count = 0; count < 40; count++) a.socket.send(slab, 0, 64, 2);
  await clock.advance(0);
  t.deepEqual(slab.bytes, numbered(1, 64).bytes);
  const whole = b.sink.datagrams.filter(({ bytes }) => bytes.length === 64);
  t.is(network.stats().corrupted, 40);
  t.is(network.stats().truncated, 40 - whole.length);
  t.true(whole.length > 5 && whole.length < 35);
  for (const { bytes } of whole) t.notDeepEqual(bytes, slab.bytes);
});

test('traits follow from the faults, and may promise less', (t) => {
  const traits = (options: Omit<NetworkOptions, 'clock'>): object =>
    makeWorld(options).open({ readDelayMs: 2 }).socket.traits;
  t.like(traits({}), { fifo: true, intact: true, roundTripHintMs: 5, datagramMax: 65_216 });
  t.like(traits({ faults: { delayMs: { min: 1, max: 3 } } }), { fifo: false, roundTripHintMs: 11 });
  t.like(traits({ faults: { reorder: 0.1, loss: 0.5 } }), { fifo: false, intact: true });
  t.like(traits({ faults: { truncate: 0.1 } }), { fifo: true, intact: false });
  t.like(traits({ traits: { fifo: false, intact: false } }), { fifo: false, intact: false });
  t.like(traits({ datagramMax: 100 }), { datagramMax: 100 });
});

test('a network keeps its promises: worse links are refused', (t) => {
  const orderly = makeWorld().network;
  t.throws(() => orderly.link(1, 2).set({ reorder: 0.5 }), misuse);
  t.throws(() => orderly.link(1, 2).set({ corrupt: 0.5 }), misuse);
  const loose = makeWorld({ traits: { fifo: false, intact: false } }).network;
  t.notThrows(() => loose.link(1, 2).set({ reorder: 0.5, corrupt: 0.5 }));
});

test('a random source handed in is not drawn from', (t) => {
  const random = new SeededRandom(3);
  const { open, send } = makeWorld({ random, faults: { loss: 0.5 } });
  send(open().socket, open().socket.address, 1, 10);
  t.is(random.u32(), new SeededRandom(3).u32());
});
