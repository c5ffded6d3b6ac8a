import type { ExecutionContext } from 'ava';
import { Slab } from '../../core/slab.ts';
import type { Peer, SendOutcome, Transport } from '../../transport/transport.ts';
import { numbered, record } from './recorder.ts';

/**
 * The contract of `transport/transport.ts` in executable form. Every transport passes it; where the
 * contract leaves a choice (`Traits`), a case asks the traits and holds the transport to them.
 */

/** A place to try a transport in. Each case gets its own. */
export interface Bench {
  open(options?: BenchOptions): Transport | Promise<Transport>;
  /** Lets everything under way arrive and be read. */
  settle(): Promise<void>;
  /** Closes what is still open. */
  dispose(): void | Promise<void>;
}

export interface BenchOptions {
  readonly address?: Peer;
  /** True asks for the smallest receive buffer there is. */
  readonly small?: boolean;
}

/** What the transport can be asked for here; a case that needs more is not run. */
export interface Supports {
  /** An address can be chosen and used again. */
  readonly addresses: boolean;
  /** Groups exist, and we may join them. */
  readonly groups: boolean;
  /** A queue can be made so small that a test fills it, and losses show (`busy` or `overrun`). */
  readonly smallQueues: boolean;
}

type Case = (t: ExecutionContext, bench: Bench) => Promise<void>;

/** `test`, or `test.serial` where the benches are not independent of each other. */
type Declare = (title: string, run: (t: ExecutionContext) => Promise<void>) => void;

/** Declares the suite's tests for one transport. */
export function compliance(
  test: Declare,
  name: string,
  supports: Supports,
  makeBench: () => Bench | Promise<Bench>,
): void {
  const cases = {
    ...always,
    ...(supports.addresses ? withAddresses : {}),
    ...(supports.groups ? withGroups : {}),
    ...(supports.smallQueues ? withSmallQueues : {}),
    ...(supports.groups && supports.smallQueues ? withSmallQueuesAndGroups : {}),
  };
  for (const [title, run] of Object.entries(cases)) {
    test(`${name}: ${title}`, async (t) => {
      const bench = await makeBench();
      try {
        await run(t, bench);
      } finally {
        await bench.dispose();
      }
    });
  }
}

const always: Record<string, Case> = {
  'bytes arrive intact in both directions, and name their sender': async (t, bench) => {
    const [a, b] = [await bench.open(), await bench.open()];
    const [atA, atB] = [record(a), record(b)];
    t.not(a.address, b.address);
    for (const length of [4, 5, 63, 64, 255, 256, 257, 1000, 4096, 10_000]) {
      const slab = numbered(length, length);
      t.is(a.send(slab, 0, length, b.address), 'sent');
      t.is(b.send(slab, 0, length, a.address), 'sent');
      await bench.settle();
      for (const [sink, sender] of [[atB, a], [atA, b]] as const) {
        const got = sink.datagrams.pop();
        t.deepEqual(got?.bytes, slab.bytes);
        t.is(got?.peer, sender.address);
        t.is(got?.group, 0);
        t.is(sink.datagrams.length, 0);
      }
    }
  },

  'only the named range of the slab is sent': async (t, bench) => {
    const [a, b] = [await bench.open(), await bench.open()];
    const atB = record(b);
    const slab = numbered(1, 100);
    a.send(slab, 10, 14, b.address);
    await bench.settle();
    t.deepEqual(atB.datagrams[0]?.bytes, slab.bytes.slice(10, 14));
  },

  'the slab may be used again as soon as send returns': async (t, bench) => {
    const [a, b] = [await bench.open(), await bench.open()];
    const atB = record(b);
    const slab = new Slab(64);
    for (let number = 1; number <= 20; number++) {
      slab.view.setUint32(0, number);
      t.is(a.send(slab, 0, 64, b.address), 'sent');
    }
    slab.bytes.fill(0xee);
    await bench.settle();
    t.deepEqual(sorted(atB.numbers), countTo(20));
  },

  'datagrams of one sender keep their order, if the traits say so': async (t, bench) => {
    const [a, b] = [await bench.open(), await bench.open()];
    const atB = record(b);
    for (let number = 1; number <= 100; number++) {
      t.is(a.send(numbered(number), 0, 64, b.address), 'sent');
      if (number % 30 === 0) await bench.settle();
    }
    await bench.settle();
    t.deepEqual(a.traits.fifo ? atB.numbers : sorted(atB.numbers), countTo(100));
  },

  'our own address is an address like any other': async (t, bench) => {
    const a = await bench.open();
    const atA = record(a);
    t.is(a.send(numbered(1), 0, 64, a.address), 'sent');
    await bench.settle();
    t.deepEqual(atA.numbers, [1]);
    t.is(atA.datagrams[0]?.peer, a.address);
  },

  'a batch is datagrams and overruns, then one received': async (t, bench) => {
    const [a, b] = [await bench.open(), await bench.open()];
    const atB = record(b);
    await bench.settle();
    t.is(atB.calls, '', 'no batch without a datagram');
    for (let number = 1; number <= 150; number++) a.send(numbered(number), 0, 64, b.address);
    await bench.settle();
    t.is(atB.datagrams.length, 150);
    t.regex(atB.calls, /^([do]+r)+$/);
  },

  'what arrives before start waits for it': async (t, bench) => {
    const [a, b] = [await bench.open(), await bench.open()];
    a.send(numbered(1), 0, 64, b.address);
    a.send(numbered(2), 0, 64, b.address);
    await bench.settle();
    const atB = record(b);
    t.is(atB.calls, '', 'start does not call the sink');
    await bench.settle();
    t.deepEqual(sorted(atB.numbers), [1, 2]);
  },

  'where an id is served is agreed on beforehand': async (t, bench) => {
    const [a, b] = [await bench.open(), await bench.open()];
    for (const id of [{ idx: 1, val: 1 }, { idx: 0xffff_ffff, val: 0 }]) {
      const address = a.locate(id);
      t.true(Number.isInteger(address) && address >= 0);
      t.is(a.locate(id), address);
      t.is(b.locate(id), address, 'both ends know it');
    }
  },

  'a transport starts once': async (t, bench) => {
    const a = await bench.open();
    record(a);
    throwsCode(t, 'invalid-argument', () => record(a));
  },

  'the sink is not called inside send': async (t, bench) => {
    const [a, b] = [await bench.open(), await bench.open()];
    const [atA, atB] = [record(a), record(b)];
    let sending = false;
    let nested = 0;
    let rest = 50;
    const send = (from: Transport, to: Transport): void => {
      sending = true;
      from.send(numbered(rest), 0, 64, to.address);
      sending = false;
    };
    const answer = (from: Transport, to: Transport) => (): void => {
      if (sending) nested += 1;
      if (rest-- > 0) send(from, to);
    };
    atA.onDatagram = answer(a, a); // to itself: the sink that receives is the one that sends
    atB.onDatagram = answer(b, a);
    send(a, b);
    send(a, a);
    for (let turn = 0; turn < 60; turn++) await bench.settle();
    t.true(rest <= 0, 'the exchange came to its end');
    t.is(nested, 0);
  },

  'the largest datagram passes, a byte more is too-big': async (t, bench) => {
    const [a, b] = [await bench.open(), await bench.open()];
    const atB = record(b);
    const max = a.traits.datagramMax;
    const slab = numbered(7, max + 1);
    t.is(a.send(slab, 0, max + 1, b.address), 'too-big');
    t.is(a.send(slab, 0, max, b.address), 'sent');
    await bench.settle();
    t.is(atB.datagrams.length, 1);
    t.deepEqual(atB.datagrams[0]?.bytes, slab.bytes.slice(0, max));
  },

  'a datagram that is none is misuse': async (t, bench) => {
    const [a, b] = [await bench.open(), await bench.open()];
    const slab = new Slab(64);
    for (const [start, end] of [[0, 0], [5, 5], [6, 5], [-1, 4], [0, 65]] as const) {
      throwsCode(t, 'invalid-argument', () => a.send(slab, start, end, b.address));
    }
  },

  'nobody at the address is no-peer, if the traits say so': async (t, bench) => {
    const [a, b] = [await bench.open(), await bench.open()];
    b.close();
    await bench.settle();
    const outcome: SendOutcome = a.send(numbered(1), 0, 64, b.address);
    if (a.traits.reportsDeath) t.is(outcome, 'no-peer');
    else t.true(outcome === 'sent' || outcome === 'no-peer');
  },

  'close is idempotent, and nothing is delivered after it': async (t, bench) => {
    const [a, b] = [await bench.open(), await bench.open()];
    const atB = record(b);
    a.send(numbered(1), 0, 64, b.address);
    b.close();
    b.close();
    await bench.settle();
    t.is(atB.calls, '');
  },

  'close may be called by the sink, in the middle of a batch': async (t, bench) => {
    const [a, b] = [await bench.open(), await bench.open()];
    const atB = record(b);
    atB.onDatagram = () => b.close();
    for (let number = 1; number <= 10; number++) a.send(numbered(number), 0, 64, b.address);
    await bench.settle();
    t.is(atB.calls, 'd');
  },

  'a closed transport says so': async (t, bench) => {
    const [a, b] = [await bench.open(), await bench.open()];
    a.close();
    throwsCode(t, 'closed', () => a.send(numbered(1), 0, 64, b.address));
    throwsCode(t, 'closed', () => a.multicast(numbered(1), 0, 64, 1));
    throwsCode(t, 'closed', () => record(a));
    throwsCode(t, 'closed', () => a.join(1));
  },

  'truesize grows with the length and is never less': async (t, bench) => {
    const { traits } = await bench.open();
    let before = 0;
    for (let length = 0; length <= traits.datagramMax; length += length < 9000 ? 1 : 61) {
      const charge = traits.truesize(length);
      if (charge < length || charge < before) t.fail(`truesize(${length}) is ${charge}`);
      before = charge;
    }
    t.true(traits.receiveBuffer >= traits.truesize(1));
    t.true(traits.roundTripHintMs > 0);
    t.true(traits.name.length > 0);
  },
};

const withAddresses: Record<string, Case> = {
  'an address can be used again after close': async (t, bench) => {
    const a = await bench.open();
    const first = await bench.open();
    const { address } = first;
    record(first);
    first.close();
    const second = await bench.open({ address });
    t.is(second.address, address);
    const atSecond = record(second);
    t.is(a.send(numbered(2), 0, 64, address), 'sent');
    await bench.settle();
    t.deepEqual(atSecond.numbers, [2]);
  },

  'an address in use is busy': async (t, bench) => {
    const { address } = await bench.open();
    await t.throwsAsync(async () => bench.open({ address }), { code: 'busy' });
  },
};

const withGroups: Record<string, Case> = {
  'a group has its members, and not the sender': async (t, bench) => {
    const [a, b, c] = [await bench.open(), await bench.open(), await bench.open()];
    const [atA, atB, atC] = [record(a), record(b), record(c)];
    a.join(5);
    b.join(5);
    c.join(6);
    t.is(a.multicast(numbered(1), 0, 64, 5), 'sent');
    await bench.settle();
    t.deepEqual([atA.numbers, atB.numbers, atC.numbers], [[], [1], []]);
    t.is(atB.datagrams[0]?.group, 5);
    t.is(atB.datagrams[0]?.peer, a.address);
    b.send(numbered(2), 0, 64, a.address);
    await bench.settle();
    t.is(atA.datagrams[0]?.group, 0, 'a unicast after it is one');
  },

  'who leaves a group hears no more of it': async (t, bench) => {
    const [a, b, c] = [await bench.open(), await bench.open(), await bench.open()];
    const [atB, atC] = [record(b), record(c)];
    for (const member of [b, c]) member.join(32);
    b.join(32);
    a.multicast(numbered(1), 0, 64, 32);
    await bench.settle();
    b.leave(32);
    b.leave(32);
    a.multicast(numbered(2), 0, 64, 32);
    await bench.settle();
    t.deepEqual([atB.numbers, atC.numbers], [[1], [1, 2]]);
  },

  'groups out of range are misuse': async (t, bench) => {
    const a = await bench.open();
    for (const group of [0, 33, -1, 1.5, NaN]) {
      throwsCode(t, 'invalid-argument', () => a.join(group));
      throwsCode(t, 'invalid-argument', () => a.leave(group));
      throwsCode(t, 'invalid-argument', () => a.multicast(numbered(1), 0, 64, group));
    }
  },
};

const withSmallQueues: Record<string, Case> = {
  'a full queue loses nothing unsaid, and recovers': async (t, bench) => {
    const [a, b] = [await bench.open(), await bench.open({ small: true })];
    const atB = record(b);
    const outcomes = { sent: 0, busy: 0 };
    for (let number = 1; number <= slotsOf(b) * 3; number++) {
      const outcome = a.send(numbered(number), 0, 64, b.address);
      t.true(outcome === 'sent' || outcome === 'busy');
      outcomes[outcome as 'sent' | 'busy'] += 1;
    }
    await bench.settle();
    t.is(atB.datagrams.length + atB.lost, outcomes.sent);
    t.true(outcomes.busy + atB.lost > 0, 'there was more than fits');
    t.is(a.send(numbered(1000), 0, 64, b.address), 'sent');
    await bench.settle();
    t.is(atB.numbers.at(-1), 1000);
    t.regex(atB.calls, /^([do]+r)+$/);
  },

  'the largest datagram fits the smallest queue, if it is empty': async (t, bench) => {
    const [a, b] = [await bench.open(), await bench.open({ small: true })];
    const atB = record(b);
    const max = a.traits.datagramMax;
    t.is(a.send(numbered(3, max), 0, max, b.address), 'sent');
    await bench.settle();
    t.deepEqual(atB.datagrams[0]?.bytes, numbered(3, max).bytes);
  },
};

const withSmallQueuesAndGroups: Record<string, Case> = {
  'a member with a full queue learns how much it lost': async (t, bench) => {
    const [a, b, c] = [await bench.open(), await bench.open({ small: true }), await bench.open()];
    const [atB, atC] = [record(b), record(c)];
    for (const member of [b, c]) member.join(9);
    const count = slotsOf(b) * 3;
    for (let number = 1; number <= count; number++) {
      t.is(a.multicast(numbered(number), 0, 64, 9), 'sent');
    }
    await bench.settle();
    t.deepEqual(sorted(atC.numbers), countTo(count));
    t.true(atB.lost > 0);
    t.is(atB.datagrams.length + atB.lost, count);
  },
};

/** How many small datagrams a transport's queue holds. */
function slotsOf({ traits }: Transport): number {
  return Math.ceil(traits.receiveBuffer / traits.truesize(64));
}

function countTo(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1);
}

function sorted(numbers: readonly number[]): number[] {
  return numbers.toSorted((left, right) => left - right);
}

function throwsCode(t: ExecutionContext, code: string, run: () => unknown): void {
  t.throws(run, { name: 'ConnectorError', code });
}
