import test from 'ava';
import fc from 'fast-check';
import { SeededRandom } from '../../core/random.ts';
import type { Slab } from '../../core/slab.ts';
import { VirtualClock } from '../../core/virtual-clock.ts';
import type { Faults } from '../../transport/faults.ts';
import { SimulatedNetwork } from '../../transport/simulated/network.ts';
import type { NetworkStats } from '../../transport/simulated/path.ts';
import type { SimulatedTransport } from '../../transport/simulated/transport.ts';
import type { Sink, Source } from '../../transport/transport.ts';
import { numbered } from '../compliance/recorder.ts';

/** A network with everything that can go wrong, in moderation. */
const rough: Faults = {
  loss: 0.05,
  burst: { enter: 0.01, leave: 0.3, loss: 0.8 },
  duplicate: 0.1,
  duplicateDelayMs: { min: 0, max: 500 },
  reorder: 0.1,
  delayMs: { min: 0, max: 4 },
  corrupt: 0.1,
  truncate: 0.05,
};

interface Settings {
  readonly seed: number;
  readonly nodes: number;
  /** Nodes 1 and 2 keep to themselves, and so do the others. */
  readonly apart?: boolean;
  readonly faults?: Faults;
  readonly receiveBuffer?: number;
  readonly noEnobufs?: boolean;
}

/**
 * Nodes that send to each other and to a group at random for a while, crash and come back. Gives a
 * hash of each node's history (what it was told, when, what its sends returned) and the counters.
 */
async function history(settings: Settings): Promise<{ hashes: number[]; stats: NetworkStats }> {
  const { seed, nodes, apart = false, faults = rough } = settings;
  const { receiveBuffer = 4608, noEnobufs = true } = settings;
  const clock = new VirtualClock();
  const random = new SeededRandom(seed);
  const network = new SimulatedNetwork({ clock, random, faults, memory: 'severe' });
  const hashes = new Array<number>(nodes + 1).fill(0x811c9dc5);
  for (let address = 1; address <= nodes; address++) {
    const mix = (word: number): void => {
      hashes[address] = Math.imul(hashes[address]! ^ word, 0x01000193) >>> 0;
    };
    const open = (): SimulatedTransport => {
      const socket = network.open({ address, receiveBuffer, noEnobufs, readDelayMs: 0.25 });
      socket.start(hashing(clock, mix));
      if (!apart) socket.join(1);
      return socket;
    };
    const actor = random.fork(`actor ${address}`);
    const peer = (): number => {
      if (!apart) return actor.integer(1, nodes);
      return address <= 2 ? 3 - address : actor.integer(3, nodes);
    };
    let socket: SimulatedTransport | undefined = open();
    const act = (): void => {
      if (actor.chance(0.05)) {
        network.crash(address);
        socket = undefined;
        return;
      }
      socket ??= open();
      for (let burst = actor.integer(0, 8); burst > 0; burst--) {
        const length = actor.integer(4, 700);
        const slab = numbered(burst, length);
        mix(outcomes.indexOf(socket.send(slab, 0, length, peer())));
        if (!apart) mix(outcomes.indexOf(socket.multicast(slab, 0, length, 1)));
      }
    };
    for (let step = 1; step <= 100; step++) clock.at(step * 2, act);
  }
  await clock.advance(10_000);
  return { hashes: hashes.slice(1), stats: network.stats() };
}

const outcomes = ['sent', 'busy', 'no-memory', 'no-peer', 'too-big', 'denied'];

/** A sink that mixes all it is told into a hash. */
function hashing(clock: VirtualClock, mix: (word: number) => void): Sink {
  return {
    receive(slab: Slab, start: number, end: number, source: Source): void {
      mix(Math.round(clock.now() * 1e6));
      mix(source.peer);
      mix(source.group);
      for (let at = start; at < end; at++) mix(slab.bytes[at]!);
    },
    overrun: (lost) => mix(lost),
    received: () => mix(0x77),
    failed: () => mix(0x99),
  };
}

test('the same seed gives the same history, another seed another', async (t) => {
  const first = await history({ seed: 11, nodes: 5 });
  t.deepEqual(await history({ seed: 11, nodes: 5 }), first);
  const other = await history({ seed: 12, nodes: 5 });
  for (const [node, hash] of other.hashes.entries()) t.not(hash, first.hashes[node]);
});

test('the rough network does everything it can do', async (t) => {
  const { stats } = await history({ seed: 11, nodes: 5 });
  for (const [name, count] of Object.entries(stats)) {
    if (name !== 'busy') t.true(count > 0, name); // its links have delay: drops instead
  }
});

test('more nodes do not change what happens between two', async (t) => {
  const two = await history({ seed: 11, nodes: 2, apart: true });
  const five = await history({ seed: 11, nodes: 5, apart: true });
  t.deepEqual(five.hashes.slice(0, 2), two.hashes);
});

test('no datagram goes missing without a name', async (t) => {
  const probability = fc.constantFrom(0, 0, 0.1, 0.5, 1);
  const settings = fc.record({
    seed: fc.integer({ min: 0, max: 1e9 }),
    nodes: fc.integer({ min: 2, max: 4 }),
    faults: fc.record({
      loss: probability,
      duplicate: probability,
      duplicateDelayMs: fc.constantFrom({ min: 0, max: 0 }, { min: 0, max: 100 }),
      reorder: probability,
      delayMs: fc.constantFrom({ min: 0, max: 0 }, { min: 1, max: 1 }, { min: 0, max: 9 }),
      truncate: probability,
    }),
    receiveBuffer: fc.constantFrom(2304, 4608, 212_992),
    noEnobufs: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(settings, async (chosen) => {
      const { stats } = await history(chosen);
      const { delivered, lost, overrun, noMemory, vanished } = stats;
      const named = delivered + lost + overrun + noMemory + vanished;
      t.is(stats.datagrams + stats.duplicated, named, JSON.stringify({ chosen, stats }));
    }),
    { numRuns: 20, seed: 7 },
  );
});
