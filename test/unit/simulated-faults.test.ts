import test from 'ava';
import fc from 'fast-check';
import { SeededRandom } from '../../core/random.ts';
import { keepsBytes, keepsOrder, Link } from '../../transport/faults.ts';
import type { Faults } from '../../transport/faults.ts';

const COUNT = 100_000;
const anything = { fifo: false, intact: false };

function makeLink(faults: Faults, seed = 1): Link {
  return new Link(faults, new SeededRandom(seed), anything);
}

/** Sends datagrams 1 ms apart; for each, when it and its copy arrive after it was sent. */
function fates(link: Link, count: number): { way: number; copy: number }[] {
  return Array.from({ length: count }, (_, index) => {
    const { arrivesAt, copyArrivesAt } = link.decide(index + 1);
    return { way: arrivesAt - (index + 1), copy: copyArrivesAt - (index + 1) };
  });
}

/** Whether a share of COUNT draws is within five standard deviations of a probability. */
function near(count: number, probability: number): boolean {
  const deviation = Math.sqrt(COUNT * probability * (1 - probability));
  return Math.abs(count - COUNT * probability) < 5 * deviation;
}

test('a link without faults delivers at once', (t) => {
  const link = makeLink({});
  for (const { way, copy } of fates(link, 10)) t.deepEqual([way, copy], [0, Infinity]);
  t.true(link.immediate);
  t.deepEqual(link.counters, zeros);
});

const zeros = { lost: 0, duplicated: 0, reordered: 0, corrupted: 0, truncated: 0 };

test('loss has its rate, and its counter', (t) => {
  for (const loss of [0.01, 0.1, 0.5]) {
    const link = makeLink({ loss });
    const lost = fates(link, COUNT).filter(({ way }) => way === Infinity).length;
    t.true(near(lost, loss), `${lost} of ${COUNT} at ${loss}`);
    t.is(link.counters.lost, lost);
  }
  t.true(fates(makeLink({ loss: 1 }), 100).every(({ way }) => way === Infinity));
});

test('bursts have the length and the share that Gilbert and Elliott promise', (t) => {
  const burst = { enter: 0.01, leave: 0.2, loss: 1 };
  const runs: number[] = [];
  let run = 0;
  for (const { way } of fates(makeLink({ burst }), COUNT)) {
    if (way === Infinity) run += 1;
    else if (run > 0) {
      runs.push(run);
      run = 0;
    }
  }
  const lost = runs.reduce((sum, length) => sum + length, 0);
  const mean = lost / runs.length;
  t.true(Math.abs(mean - 5) < 0.4, `mean burst ${mean}`); // 1 / leave, five deviations
  const share = lost / COUNT;
  t.true(Math.abs(share - 0.01 / 0.21) < 0.007, `share ${share}`);
});

test('outside of bursts the plain loss rate holds', (t) => {
  const link = makeLink({ loss: 0.1, burst: { enter: 0.05, leave: 0.05, loss: 0.5 } });
  const lost = fates(link, COUNT).filter(({ way }) => way === Infinity).length;
  t.true(Math.abs(lost / COUNT - 0.3) < 0.02, `share ${lost / COUNT}`); // half good, half bad
});

test('the way takes its time, drawn for each datagram', (t) => {
  const ways = fates(makeLink({ delayMs: { min: 2, max: 6 } }), COUNT).map(({ way }) => way);
  // The times are differences of large readings: no more exact than that.
  t.true(Math.min(...ways.slice(0, 9999)) > 1.999 && Math.max(...ways.slice(0, 9999)) < 6.001);
  const mean = ways.reduce((sum, way) => sum + way, 0) / COUNT;
  t.true(Math.abs(mean - 4) < 0.02, `mean ${mean}`);
  for (const { way } of fates(makeLink({ delayMs: { min: 3, max: 3 } }), 100)) t.is(way, 3);
});

test('copies come at their rate and in their time, also where the original is lost', (t) => {
  const faults = { duplicate: 0.2, duplicateDelayMs: { min: 10, max: 60_000 }, loss: 0.5 };
  const link = makeLink({ ...faults, delayMs: { min: 5, max: 5 } });
  const copied = fates(link, COUNT).filter(({ copy }) => copy !== Infinity);
  t.true(near(copied.length, 0.2));
  t.is(link.counters.duplicated, copied.length);
  t.true(copied.every(({ copy }) => copy > 14.99 && copy < 60_005.01));
  t.true(copied.some(({ copy }) => copy > 50_000));
  const alone = copied.filter(({ way }) => way === Infinity).length;
  t.true(Math.abs(alone / copied.length - 0.5) < 0.02);
});

test('what is held back is held back by the time set', (t) => {
  const faults = { reorder: 0.25, reorderDelayMs: { min: 40, max: 50 } };
  const ways = fates(makeLink({ ...faults, delayMs: { min: 1, max: 1 } }), COUNT);
  const held = ways.filter(({ way }) => way > 1.001);
  t.true(near(held.length, 0.25));
  t.true(held.every(({ way }) => way > 40.99 && way < 51.01));
});

test('holding back is a fault also where the way takes no time', (t) => {
  const ways = fates(makeLink({ reorder: 1, reorderDelayMs: { min: 4, max: 4 } }), 10);
  for (const { way } of ways) t.is(way, 4);
});

test('reordered counts the overtaken, when they arrive', (t) => {
  const link = makeLink({ reorder: 0.5 });
  for (const number of [1, 2, 5, 3, 4, 6, 9, 7]) link.arrived(number);
  t.is(link.counters.reordered, 3);
});

test('corruption changes one bit up to so many, always at least one', (t) => {
  const link = makeLink({ corrupt: 1, corruptBits: 3 });
  const flipped = new Map<number, number>();
  for (let round = 0; round < 5000; round++) {
    const bytes = new Uint8Array(40);
    t.is(link.damage(bytes, 20, 2), 2); // two bytes only, so that flips often meet
    t.deepEqual([...bytes.slice(0, 20), ...bytes.slice(22)], new Array(38).fill(0));
    const bits = popcount(bytes);
    flipped.set(bits, (flipped.get(bits) ?? 0) + 1);
  }
  t.deepEqual([...flipped.keys()].sort(), [1, 2, 3]);
  t.is(link.counters.corrupted, 5000);
});

function popcount(bytes: Uint8Array): number {
  let count = 0;
  for (const byte of bytes) for (let bit = 0; bit < 8; bit++) count += (byte >> bit) & 1;
  return count;
}

test('few and many bits are flipped alike', (t) => {
  const link = makeLink({ corrupt: 1, corruptBits: 2 });
  let single = 0;
  for (let round = 0; round < COUNT / 10; round++) {
    const bytes = new Uint8Array(1000);
    link.damage(bytes, 0, 1000);
    if (popcount(bytes) === 1) single += 1;
  }
  t.true(Math.abs(single / (COUNT / 10) - 0.5) < 0.025, `${single}`);
});

test('every bit can be hit', (t) => {
  const link = makeLink({ corrupt: 1, corruptBits: 1 });
  const union = new Uint8Array(4);
  for (let round = 0; round < 1000; round++) {
    const bytes = new Uint8Array(4);
    link.damage(bytes, 0, 4);
    t.is(popcount(bytes), 1);
    for (const [at, byte] of bytes.entries()) union[at] = union[at]! | byte;
  }
  t.deepEqual([...union], [255, 255, 255, 255]);
});

test('truncation leaves at least a byte and takes at least one', (t) => {
  const link = makeLink({ truncate: 1 });
  const lengths = new Set<number>();
  for (let round = 0; round < 1000; round++) lengths.add(link.damage(new Uint8Array(8), 0, 4));
  t.deepEqual([...lengths].sort(), [1, 2, 3]);
  t.is(link.counters.truncated, 1000);
  t.is(link.damage(new Uint8Array(8), 0, 1), 1);
  t.is(link.counters.truncated, 1000, 'what has one byte cannot be cut');
});

test('damage has its rate', (t) => {
  const link = makeLink({ corrupt: 0.02, truncate: 0.3 });
  const bytes = new Uint8Array(64);
  for (let round = 0; round < COUNT; round++) link.damage(bytes, 0, 64);
  t.true(near(link.counters.corrupted, 0.02));
  t.true(near(link.counters.truncated, 0.3));
});

test('turning one fault off leaves all others where they were', (t) => {
  const faults = { loss: 0.2, duplicate: 0.3, delayMs: { min: 0, max: 9 }, corrupt: 0.5 };
  const all = fates(makeLink(faults), 1000);
  const lossless = fates(makeLink({ ...faults, loss: 0, corrupt: 0 }), 1000);
  t.deepEqual(
    all.map(({ copy }) => copy),
    lossless.map(({ copy }) => copy),
  );
  const arrived = all.filter(({ way }) => way !== Infinity).map(({ way }) => way);
  const same = lossless.filter((_, index) => all[index]!.way !== Infinity).map(({ way }) => way);
  t.deepEqual(arrived, same);
});

test('a link that promised order keeps it, however the way is shortened', (t) => {
  const link = new Link({ delayMs: { min: 9, max: 9 } }, new SeededRandom(1), {
    fifo: true,
    intact: true,
  });
  t.is(link.decide(1).arrivesAt, 10);
  link.set({ delayMs: { min: 2, max: 2 } });
  t.is(link.decide(3).arrivesAt, 10);
  link.set({});
  t.is(link.decide(4).arrivesAt, 10);
  t.is(link.decide(11).arrivesAt, 11);
});

test('a link refuses faults that break a promise', (t) => {
  const link = new Link({}, new SeededRandom(1), { fifo: true, intact: true });
  const misuse = { code: 'invalid-argument' };
  t.throws(() => link.set({ reorder: 0.1 }), misuse);
  t.throws(() => link.set({ delayMs: { min: 0, max: 1 } }), misuse);
  t.throws(() => link.set({ corrupt: 0.1 }), misuse);
  t.throws(() => link.set({ truncate: 0.1 }), misuse);
  t.notThrows(() => link.set({ loss: 1, duplicate: 1, delayMs: { min: 4, max: 4 } }));
});

test('faults say whether they keep order and bytes', (t) => {
  t.true(keepsOrder({ loss: 0.5, duplicate: 0.5, duplicateDelayMs: { min: 0, max: 60_000 } }));
  t.true(keepsOrder({ delayMs: { min: 3, max: 3 } }));
  t.false(keepsOrder({ delayMs: { min: 3, max: 3.5 } }));
  t.false(keepsOrder({ reorder: 0.01 }));
  t.true(keepsBytes({ loss: 0.5, reorder: 1 }));
  t.false(keepsBytes({ corrupt: 0.01 }));
  t.false(keepsBytes({ truncate: 0.01 }));
});

test('originals arrive in order wherever the faults are said to keep it', (t) => {
  const faults = fc.record({
    loss: fc.double({ min: 0, max: 1, noNaN: true }),
    duplicate: fc.double({ min: 0, max: 1, noNaN: true }),
    reorder: fc.constantFrom(0, 0, 0.5),
    delayMs: fc.constantFrom({ min: 0, max: 0 }, { min: 5, max: 5 }, { min: 0, max: 5 }),
  });
  const property = fc.property(faults, fc.integer(), (chosen, seed) => {
    const link = makeLink(chosen, seed);
    let last = 0;
    for (let now = 1; now < 200; now++) {
      const { arrivesAt } = link.decide(now);
      if (arrivesAt === Infinity) continue;
      if (arrivesAt < last && keepsOrder(chosen)) return false;
      last = arrivesAt;
    }
    return true;
  });
  t.notThrows(() => fc.assert(property));
});

test('a configuration that makes no sense is misuse, by name', (t) => {
  const bad: [Faults, RegExp][] = [
    [{ loss: -0.1 }, /faults\.loss/],
    [{ loss: 1.1 }, /faults\.loss/],
    [{ loss: NaN }, /faults\.loss/],
    [{ burst: { enter: 2, leave: 0, loss: 0 } }, /burst\.enter/],
    [{ burst: { enter: 0, leave: -1, loss: 0 } }, /burst\.leave/],
    [{ burst: { enter: 0, leave: 0, loss: 9 } }, /burst\.loss/],
    [{ duplicate: 2 }, /faults\.duplicate/],
    [{ reorder: 2 }, /faults\.reorder/],
    [{ corrupt: 2 }, /faults\.corrupt/],
    [{ truncate: 2 }, /faults\.truncate/],
    [{ delayMs: { min: -1, max: 1 } }, /faults\.delayMs/],
    [{ delayMs: { min: 2, max: 1 } }, /faults\.delayMs/],
    [{ delayMs: { min: 0, max: Infinity } }, /faults\.delayMs/],
    [{ reorderDelayMs: { min: 0, max: NaN } }, /faults\.reorderDelayMs/],
    [{ duplicateDelayMs: { min: 3, max: 2 } }, /faults\.duplicateDelayMs/],
    [{ corruptBits: 0 }, /faults\.corruptBits/],
    [{ corruptBits: 1.5 }, /faults\.corruptBits/],
  ];
  for (const [faults, message] of bad) {
    t.throws(() => makeLink(faults), { code: 'invalid-argument', message }, String(message));
  }
});

test('a bottleneck serves at its rate, queues what it has places for and loses the rest', (t) => {
  const link = makeLink({ bottleneck: { perSecond: 1_000, places: 4 } });
  t.false(link.immediate);
  const burst = Array.from({ length: 6 }, () => link.decide(10).arrivesAt);
  t.deepEqual(burst, [11, 12, 13, 14, Infinity, Infinity]);
  t.is(link.counters.lost, 2);
  t.is(link.decide(11).arrivesAt, 15, 'a place became free');
  t.is(link.decide(11).arrivesAt, Infinity);
  t.is(link.decide(100).arrivesAt, 101);
  const misuse = { code: 'invalid-argument' };
  t.throws(() => link.set({ bottleneck: { perSecond: 0, places: 4 } }), misuse);
  t.throws(() => link.set({ bottleneck: { perSecond: 1, places: 0 } }), misuse);
});

test('mutated copies come beside the originals, at their rate', (t) => {
  t.false(keepsBytes({ mutate: 0.1 }));
  t.true(keepsOrder({ mutate: 0.1 }));
  const link = makeLink({ mutate: 0.3 });
  let mutated = 0;
  for (let index = 0; index < COUNT; index++) {
    const fate = link.decide(index + 1);
    if (fate.mutated) mutated += 1;
  }
  t.true(near(mutated, 0.3));
  t.is(link.counters.duplicated, mutated);
  const bytes = new Uint8Array(64);
  link.damage(bytes, 0, 64);
  t.is(popcount(bytes), 0, 'the original is left alone');
  link.damage(bytes, 0, 64, true);
  t.true(popcount(bytes) > 0);
});
