import test from 'ava';
import { SeededRandom } from '../../core/random.ts';
import { VirtualClock } from '../../core/virtual-clock.ts';
import { faulty } from '../../transport/faulty.ts';
import type { FaultyOptions, FaultyTransport } from '../../transport/faulty.ts';
import { SimulatedNetwork } from '../../transport/simulated/network.ts';
import type { OpenOptions } from '../../transport/simulated/network.ts';
import type { SimulatedTransport } from '../../transport/simulated/transport.ts';
import { numbered, record } from '../compliance/recorder.ts';
import type { Recorder } from '../compliance/recorder.ts';

interface World {
  readonly clock: VirtualClock;
  /** Address 1, over a perfect network. */
  readonly sender: FaultyTransport;
  /** Address 2. */
  readonly receiver: SimulatedTransport;
  readonly sink: Recorder;
  send(first: number, last?: number): string[];
}

type Options = Omit<FaultyOptions, 'clock' | 'random'> & { receiver?: OpenOptions; seed?: number };

function makeWorld(options: Options = {}): World {
  const clock = new VirtualClock();
  const random = new SeededRandom(options.seed ?? 1);
  const network = new SimulatedNetwork({ clock, random });
  const sender = faulty(network.open(), { ...options, clock, random });
  const receiver = network.open(options.receiver);
  const send = (first: number, last = first): string[] => {
    const outcomes = [];
    for (let number = first; number <= last; number++) {
      outcomes.push(sender.send(numbered(number), 0, 64, 2));
    }
    return outcomes;
  };
  return { clock, sender, receiver, sink: record(receiver), send };
}

const misuse = { code: 'invalid-argument' };

test('losses are sent, counted and gone', async (t) => {
  const { clock, sender, sink, send } = makeWorld({ faults: { loss: 0.3 } });
  t.deepEqual(new Set(send(1, 200)), new Set(['sent']));
  await clock.advance(0);
  const { lost, datagrams } = sender.stats();
  t.is(datagrams, 200);
  t.true(lost > 30 && lost < 90);
  t.is(sink.datagrams.length, 200 - lost);
});

test('delayed datagrams come later, those of one delay in order', async (t) => {
  const { clock, sender, sink, send } = makeWorld({ faults: { delayMs: { min: 5, max: 5 } } });
  send(1, 10);
  await clock.advance(4.9);
  t.is(sink.calls, '');
  await clock.advance(0.1);
  t.deepEqual(sink.numbers, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  t.true(sender.traits.fifo);
  t.is(sender.stats().reordered, 0);
});

test('jitter reorders, and the overtaken are counted', async (t) => {
  const { clock, sender, sink, send } = makeWorld({ faults: { delayMs: { min: 0, max: 5 } } });
  send(1, 50);
  await clock.advance(5);
  t.is(sink.datagrams.length, 50);
  t.false(sender.traits.fifo);
  let highest = 0;
  const overtaken = sink.numbers.filter((number) => number < (highest = Math.max(highest, number)));
  t.is(sender.stats().reordered, overtaken.length);
  t.true(overtaken.length > 10);
});

test('copies are sent again later, in their own memory', async (t) => {
  const faults = { duplicate: 1, duplicateDelayMs: { min: 10, max: 10 } };
  const { clock, sender, sink } = makeWorld({ faults });
  const slab = numbered(1);
  sender.send(slab, 0, 64, 2);
  slab.bytes.fill(0);
  await clock.advance(10);
  t.deepEqual(sink.numbers, [1, 1]);
  t.like(sender.stats(), { duplicated: 1, reordered: 0, refused: 0 });
});

test('damage never touches the caller', async (t) => {
  const { clock, sender, sink } = makeWorld({ faults: { corrupt: 1 } });
  const slab = numbered(1);
  sender.send(slab, 0, 64, 2);
  await clock.advance(0);
  t.deepEqual(slab.bytes, numbered(1).bytes);
  t.notDeepEqual(sink.datagrams[0]?.bytes, slab.bytes);
  t.false(sender.traits.intact);
  t.is(sender.stats().corrupted, 1);
});

test('what passes at once keeps its outcome', (t) => {
  const { sender, receiver, send } = makeWorld({ receiver: { receiveBuffer: 2304 } });
  t.deepEqual(send(1, 3), ['sent', 'sent', 'busy']);
  receiver.close();
  t.deepEqual(send(4), ['no-peer']);
  t.like(sender.stats(), { datagrams: 2, refused: 0 });
});

test('a datagram that is refused is not doubled', async (t) => {
  const faults = { duplicate: 1, duplicateDelayMs: { min: 5, max: 5 } };
  const receiver = { receiveBuffer: 2304, readDelayMs: 1 };
  const { clock, sender, sink, send } = makeWorld({ faults, receiver });
  t.deepEqual(send(1, 3), ['sent', 'sent', 'busy']);
  await clock.advance(10);
  t.deepEqual(sink.numbers, [1, 2, 1, 2]);
  t.is(sender.stats().refused, 0);
});

test('what is delayed and then refused is counted', async (t) => {
  const receiver = { receiveBuffer: 2304 };
  const { clock, sender, sink, send } = makeWorld({
    faults: { delayMs: { min: 5, max: 5 } },
    receiver,
  });
  t.false(sender.traits.reportsDeath);
  t.deepEqual(send(1, 5), ['sent', 'sent', 'sent', 'sent', 'sent']);
  await clock.advance(5);
  t.deepEqual(sink.numbers, [1, 2]);
  t.is(sender.stats().refused, 3);
});

test('groups are reached through the faults too', async (t) => {
  const { clock, sender, receiver, sink } = makeWorld({ faults: { delayMs: { min: 5, max: 5 } } });
  receiver.join(3);
  t.is(sender.multicast(numbered(1), 0, 64, 3), 'sent');
  t.throws(() => sender.multicast(numbered(1), 0, 64, 33), misuse);
  await clock.advance(5);
  t.is(sink.datagrams[0]?.group, 3);
  t.is(sink.datagrams.length, 1);
});

test('memory runs short in spells, and a send says so', async (t) => {
  const memory = { ampleMs: 1, shortMs: 1e6, kernel: 1, atomic: 0 };
  const { clock, sender, send } = makeWorld({ memory });
  t.deepEqual(send(1), ['sent']);
  await clock.advance(10);
  t.deepEqual(send(2), ['no-memory']);
  t.like(sender.stats(), { datagrams: 1, noMemorySend: 1 });
});

test('close loses what is held back, and leaves no event behind', async (t) => {
  const { clock, sender, sink, send } = makeWorld({ faults: { delayMs: { min: 5, max: 9 } } });
  send(1, 10);
  sender.close();
  sender.close();
  t.is(clock.pending, 0);
  await clock.advance(10);
  t.is(sink.calls, '');
  t.throws(() => send(11), { code: 'closed' });
});

test('no more is held back than the limit', async (t) => {
  const { clock, sender, sink, send } = makeWorld({
    faults: { delayMs: { min: 5, max: 5 } },
    underWayMax: 3,
  });
  send(1, 5);
  await clock.advance(5);
  t.deepEqual(sink.numbers, [1, 2, 3]);
  t.is(sender.stats().lost, 2);
});

test('traits tell what is left of those beneath', (t) => {
  const { sender } = makeWorld();
  t.like(sender.traits, { name: 'faulty simulated', fifo: true, intact: true, reportsDeath: true });
  t.is(sender.traits.truesize(36), 832);
  const rough = makeWorld({ faults: { reorder: 0.1, truncate: 0.1 } }).sender;
  t.like(rough.traits, { fifo: false, intact: false, reportsDeath: true });
  const slow = makeWorld({ faults: { delayMs: { min: 5, max: 5 } } }).sender;
  t.is(slow.traits.roundTripHintMs, sender.traits.roundTripHintMs + 10);
  const worse = faulty(rough, { clock: new VirtualClock(), random: new SeededRandom(1) });
  t.like(worse.traits, { fifo: false, intact: false });
});

test('the same seed spoils the same datagrams', async (t) => {
  const arrived = async (seed: number): Promise<number[]> => {
    const { clock, sink, send } = makeWorld({ seed, faults: { loss: 0.5, reorder: 0.3 } });
    send(1, 100);
    await clock.advance(10);
    return sink.numbers;
  };
  t.deepEqual(await arrived(1), await arrived(1));
  t.notDeepEqual(await arrived(1), await arrived(2));
});

test('faults that make no sense are misuse', (t) => {
  t.throws(() => makeWorld({ faults: { loss: 7 } }), misuse);
});
