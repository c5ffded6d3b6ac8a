import assert from 'node:assert/strict';
import { constants } from 'node:os';
import { counter, GROUP, ID, setFaults, withAgent } from './agent.ts';
import { check } from './harness.ts';
import { decodeDatagram, encodeMessage } from '../../../index.ts';
import { Slab } from '../../../core/slab.ts';
import { SLOT } from '../../../transport/netlink/memory.ts';
import { NetlinkSocket } from '../../../transport/netlink/socket.ts';

// What the text of 2005 says of an agent, of a real one: by system calls, without a turn of the
// event loop or any of the library's reliability in between.

const CONNECTOR = 11;
const KERNEL = 0;
const SMALLEST = 1;
const { EAGAIN, ESRCH } = constants.errno;

/** A bare socket. */
class Requester {
  readonly #socket: NetlinkSocket;

  constructor(receiveBuffer?: number) {
    this.#socket = new NetlinkSocket({ protocol: CONNECTOR, portid: 0, receiveBuffer });
  }

  join(): void {
    assert.equal(this.#socket.membership(GROUP, true), 0);
  }

  ask(seq: number, ack: number, id = ID): void {
    const bytes = encodeMessage({ id, seq, ack, flags: 0 }, Buffer.from('?'));
    assert.equal(this.#socket.send(new Slab(bytes), 0, bytes.length, KERNEL, 0), 0);
  }

  /** All that waits now: seq, ack, and where it was sent (a group, or 0). */
  heard(): readonly (readonly [seq: number, ack: number, group: number])[] {
    const { memory } = this.#socket;
    const all: [number, number, number][] = [];
    // As many as a batch holds are more than these queues do.
    for (let slot = 0, count = this.#socket.receive(0); slot < count; slot++) {
      const start = slot * SLOT;
      const datagram = memory.slots.bytes.slice(start, start + memory.length(slot));
      const decoded = decodeDatagram(datagram);
      assert.ok(decoded.ok);
      for (const { cn } of decoded.messages) all.push([cn.seq, cn.ack, memory.group(slot)]);
    }
    return all;
  }

  get drops(): number {
    return this.#socket.drops();
  }

  close(): void {
    this.#socket.close();
  }
}

await check('the answer is there when sendto returns: the same seq, and ack + 1', async () => {
  await withAgent(['memory=0'], async () => {
    const one = new Requester();
    const max = 0xffff_ffff;
    for (const [seq, ack] of [
      [7, 100],
      [8, 5],
      [max, max],
    ] as const) {
      one.ask(seq, ack);
      assert.deepEqual(one.heard(), [[seq, (ack + 1) >>> 0, 0]]);
    }
    one.close();
  });
});

await check('a message for nobody is taken, and vanishes', async () => {
  await withAgent([], async () => {
    const one = new Requester();
    one.ask(1, 1, { ...ID, val: 2 });
    assert.deepEqual(one.heard(), []);
    assert.equal(counter('executed'), 0);
    one.close();
  });
});

await check('an agent that sends to a group without members gets -ESRCH', async () => {
  await withAgent(['memory=0'], async () => {
    setFaults({ multicast: 1 });
    const [one, other] = [new Requester(), new Requester()];
    one.ask(1, 1);
    assert.deepEqual([counter('last_error'), counter('not_delivered')], [ESRCH, 1]);
    other.join();
    one.ask(2, 5);
    assert.deepEqual(one.heard(), [], 'who asked is no member');
    assert.deepEqual(other.heard(), [[2, 6, GROUP]], 'who is hears the answers to others');
    assert.equal(counter('not_delivered'), 1);
    for (const each of [one, other]) each.close();
  });
});

await check(
  'into full queues: -ESRCH for a multicast, -EAGAIN for a unicast, and drops',
  async () => {
    await withAgent(['memory=0'], async () => {
      for (const [multicast, errno] of [
        [1, ESRCH],
        [0, EAGAIN],
      ] as const) {
        setFaults({ multicast });
        const one = new Requester(SMALLEST);
        one.join();
        const before = counter('not_delivered');
        for (let seq = 0; seq < 20; seq++) one.ask(seq, 0);
        assert.equal(counter('last_error'), errno);
        const kept = one.heard();
        assert.deepEqual(
          kept,
          kept.map((_, seq) => [seq, 1, multicast * GROUP]),
          'the first',
        );
        assert.ok(kept.length >= 1 && kept.length < 5);
        const refused = counter('not_delivered') - before;
        assert.deepEqual([refused, one.drops], [20 - kept.length, 20 - kept.length]);
        one.close();
      }
    });
  },
);
