import test from 'ava';
import type { ExecutionContext } from 'ava';
import { Hand } from '../../fuzz/hand.ts';
import { envelope } from '../reliability/pipe.ts';
import type { ConnectorId } from '../../../core/id.ts';
import { resolveLimits } from '../../../core/limits.ts';
import { SeededRandom } from '../../../core/random.ts';
import { Arena } from '../../../core/arena.ts';
import { Slab } from '../../../core/slab.ts';
import { VirtualClock } from '../../../core/virtual-clock.ts';
import { Driver } from '../../../sessions/driver.ts';
import { encodeCancel, encodeSignal } from '../../../sessions/encode.ts';
import type { Session } from '../../../sessions/session.ts';
import type { Outgoing } from '../../../reliability/outgoing.ts';
import * as frame from '../../../transport/wire/frame.ts';

const ID = { idx: 7, val: 7 }; // as `envelope` has it
const PEER = 2;
const SLEEP = 50;

/** A driver with one session, whose peer is this test. */
class Bed {
  readonly clock: VirtualClock = new VirtualClock();
  readonly driver: Driver;
  readonly session: Session;
  readonly hand = new Hand(1, true);
  #number = 0;

  constructor() {
    this.driver = new Driver({
      transport: this.hand,
      clock: this.clock,
      random: new SeededRandom(1),
      limits: resolveLimits({ sleepMs: SLEEP }),
      services: new Map(),
    });
    const bounds = { grant: 99_999, window: 64, valueMax: 1 << 20, credit: 65_536 };
    const own = { ...this.driver.demux.half(99_999), tag: 3 };
    const remote = { session: 1, tag: 3, firstNumber: 0, firstSeq: 0, ...bounds };
    const incarnation = { high: 1, low: 1 };
    const parts = { id: ID, peer: PEER, incarnation, credentials: undefined, accepted: false };
    this.session = this.driver.demux.open({ ...parts, own, remote }, this.clock.now());
    this.driver.resources.touched(this.session);
  }

  get awake(): number {
    return this.driver.resources.vigil.size;
  }

  /** Time passes, until it sleeps. */
  async rest(t: ExecutionContext): Promise<void> {
    await this.clock.advance(3 * SLEEP);
    t.true(this.session.asleep);
    t.is(this.awake, 0);
    t.is(this.clock.pending, 0, 'and nothing is planned');
  }

  /** A PING of the peer comes. */
  ping(id = ID): string | undefined {
    return this.#take(encodeSignal(new Arena(), { id, seq: 0, ack: 1 }, frame.PING), id);
  }

  /** Word of the peer comes that it took a call back, whose request has not come. */
  cancel(seq: number): string | undefined {
    return this.#take(encodeCancel(new Arena(), { id: ID, seq, ack: 1 }, 0, 0), ID);
  }

  #take({ bytes }: Outgoing, id: ConnectorId): string | undefined {
    const head = envelope({ number: this.#number++ }).bytes;
    const slab = new Slab(new Uint8Array([...head, ...bytes]));
    if (id !== ID) slab.view.setUint32(frame.ENVELOPE_CN, id.idx, true);
    const { session } = this;
    this.driver.resources.touched(session);
    return session.handleData(slab, 0, head.length, slab.bytes.length, this.clock.now());
  }
}

test('a session sleeps when it has been quiet for so long, and not before', async (t) => {
  const bed = new Bed();
  for (let at = 0; at < 5 * SLEEP; at += SLEEP / 2) {
    await bed.clock.advance(SLEEP / 2);
    t.false(bed.session.asleep, `after ${at} ms`);
    t.is(bed.ping(), undefined);
  }
  await bed.clock.advance(SLEEP * 0.9);
  t.false(bed.session.asleep);
  await bed.rest(t);
});

test('a session that was woken sleeps again', async (t) => {
  const bed = new Bed();
  for (let round = 0; round < 3; round++) {
    await bed.rest(t);
    t.is(bed.ping(), undefined);
    t.false(bed.session.asleep);
    t.is(bed.awake, 1);
  }
  await bed.rest(t);
});

test('what is not for it, who asks if it is idle, and its end wake no session', async (t) => {
  const bed = new Bed();
  await bed.rest(t);
  const { session, driver, clock } = bed;
  const { demux } = driver;
  const { number, tag } = session;
  t.is(demux.route(number, 1, tag ^ 1, PEER, clock.now()), 'wrong-tag');
  t.is(demux.route(number, 1, tag, PEER + 1, clock.now()), 'wrong-tag');
  t.is(bed.ping({ idx: 8, val: 7 }), 'malformed');
  t.true(session.idle);
  await clock.advance(1);
  t.true(session.asleep);
  session.fail('peer-lost', 'gone', 'unknown');
  await clock.advance(1);
  t.true(session.asleep && session.over);
  t.deepEqual([demux.size, bed.awake, clock.pending], [0, 0, 0]);
  t.is(driver.resources.counters.sessionsLost, 1);
});

test('a session that is to be closed wakes, says so, and is over', async (t) => {
  const bed = new Bed();
  await bed.rest(t);
  const sent = bed.driver.resources.counters.controlSent;
  const drained = bed.session.drain();
  await bed.clock.advance(1);
  t.true(bed.driver.resources.counters.controlSent > sent);
  bed.session.fail('closed', 'enough', 'unknown');
  await bed.clock.run(drained);
  t.pass();
});

test('a session in which a message before others is missing does not sleep', async (t) => {
  const bed = new Bed();
  t.is(bed.cancel(1), undefined);
  await bed.clock.advance(4 * SLEEP);
  t.false(bed.session.asleep, 'it would forget that it has seen 1, or that it has not seen 0');
  t.is(bed.cancel(0), undefined);
  await bed.rest(t);
});
