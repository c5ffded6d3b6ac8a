import test from 'ava';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { createEndpoint, SeededRandom, VirtualClock } from '../../index.ts';
import type { Clock, Timer } from '../../index.ts';
import { SimulatedNetwork } from '../../transport/simulated/network.ts';
import type { Allocations } from './allocations.ts';
import type { Held } from './held.ts';

// What a call costs in things that can be counted, on any machine: what makes it slow shows here
// before anybody measures it (docs/PERFORMANCE.md).

const ID = { idx: 20, val: 1 };
const ROUNDS = 40;

/** Counts what an endpoint does with its clock. */
class CountingClock implements Clock {
  readings = 0;
  wakes = 0;
  readonly grainMs: number;
  readonly #inner: VirtualClock;

  constructor(inner: VirtualClock) {
    this.#inner = inner;
    this.grainMs = inner.grainMs;
  }

  now(): number {
    this.readings += 1;
    return this.#inner.now();
  }

  timer(fire: () => void): Timer {
    return this.#inner.timer(() => {
      this.wakes += 1;
      fire();
    });
  }
}

interface Costs {
  readonly datagrams: number;
  readonly readings: number;
  readonly wakes: number;
  /** Messages sent again. */
  readonly again: number;
}

/** What a call costs both ends together, with so many in flight, on a link that loses nothing. */
async function costs(inFlight: number): Promise<Costs> {
  const clock = new VirtualClock();
  const faults = { delayMs: { min: 0.05, max: 0.05 } };
  const network = new SimulatedNetwork({ clock, faults });
  const clocks = [new CountingClock(clock), new CountingClock(clock)] as const;
  const open = (address: number, own: Clock): ReturnType<typeof createEndpoint> =>
    createEndpoint({
      transport: network.open({ address, receiveBuffer: 4 << 20 }),
      clock: own,
      random: new SeededRandom(address),
    });
  const [client, server] = [open(200, clocks[0]), open(100, clocks[1])];
  server.serve(ID, { echo: (input) => input });
  const sum = (of: (at: 0 | 1) => number): number => of(0) + of(1);
  const ends = [client, server] as const;
  const count = (): Costs => ({
    datagrams: sum((at) => ends[at].stats().datagramsSent),
    readings: sum((at) => clocks[at].readings),
    wakes: sum((at) => clocks[at].wakes),
    again: sum((at) => ends[at].stats().requestsSent + ends[at].stats().repliesSent),
  });
  const story = async (): Promise<Costs> => {
    const connection = await client.connect(ID, { peer: 100 });
    const worker = async (): Promise<void> => {
      const payload = new Uint8Array(64);
      for (let round = 0; round < ROUNDS; round++) await connection.call('echo', payload);
    };
    const before = count();
    await Promise.all(Array.from({ length: inFlight }, worker));
    const after = count();
    await client.close();
    await server.close();
    const calls = inFlight * ROUNDS;
    const each = (of: (costs: Costs) => number): number => (of(after) - of(before)) / calls;
    return {
      datagrams: each(({ datagrams }) => datagrams),
      readings: each(({ readings }) => readings),
      wakes: each(({ wakes }) => wakes),
      again: each(({ again }) => again) - 2,
    };
  };
  return clock.run(story());
}

test('one call at a time takes two datagrams, and wakes nobody but by them', async (t) => {
  const { datagrams, readings, wakes, again } = await costs(1);
  t.is(datagrams, 2, 'each acknowledges the one before');
  t.is(again, 0);
  t.true(readings <= 6.1, `${readings} readings of the clock`);
  t.true(wakes <= 0.05, `${wakes} wakes`);
});

test('64 calls in flight share their datagrams', async (t) => {
  const { datagrams, readings, wakes, again } = await costs(64);
  t.is(datagrams, 3 / 64, 'the replies travel in two, as the transport may lose datagrams');
  t.is(again, 0);
  t.true(readings <= 2.1, `${readings} readings of the clock`);
  t.true(wakes <= 0.001, `${wakes} wakes`);
});

test('1,024 calls in flight share as much as a datagram holds', async (t) => {
  const { datagrams, again } = await costs(1024);
  t.true(datagrams <= 0.014, `${datagrams} datagrams a call`);
  t.is(again, 0);
});

// Young objects have 256 MiB, of which a round takes 28: nothing is collected that would have to be
// counted. V8 optimises when its threads get to it, and then leaves allocations out, so it is kept
// from that; what is left is the same to a tenth of a percent from run to run.
const HEAP = [
  '--expose-gc', '--min-semi-space-size=256', '--max-semi-space-size=256', '--no-opt',
  '--no-maglev',
];

/** Runs a program of this folder in a process of its own; gives what it prints. */
async function run(flags: readonly string[], program: string, count: number): Promise<unknown> {
  const script = new URL(program, import.meta.url).pathname;
  // Without the environment: a coverage run would have the process count what it executes.
  const args = [...flags, script, String(count)];
  const { stdout } = await promisify(execFile)(process.execPath, args, { env: {} });
  return JSON.parse(stdout);
}

/** Bytes that a call allocates: on V8's heap, and outside of it for buffers. */
async function allocated(inFlight: number): Promise<{ heap: number; buffers: number }> {
  const { heap, buffers } = (await run(HEAP, 'allocations.js', inFlight)) as Allocations;
  // Buffers of the round before may be counted off late: no round counts more than it made.
  return { heap: Math.max(...heap), buffers: Math.max(...buffers) };
}

test('a call among 64 allocates no more than was measured', async (t) => {
  const { heap, buffers } = await allocated(64);
  // When the bound was set, Node 20: 3,990. Before, Node 20 to 26 lay within 4 % of each other.
  t.true(heap <= 4_150, `${heap} bytes of heap`);
  t.true(buffers <= 200, `${buffers} bytes of buffers`);
});

test('an open call holds no more than was measured', async (t) => {
  const { heap, buffers } = (await run(['--expose-gc'], 'held.js', 30_000)) as Held;
  // When the bound was set, Node 20: 961 to 969, both ends together.
  t.true(heap <= 1_000, `${heap} bytes of heap`);
  t.true(buffers <= 205, `${buffers} bytes of buffers`);
});
