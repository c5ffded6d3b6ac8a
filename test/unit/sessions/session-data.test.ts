import test from 'ava';
import { Hand } from '../../fuzz/hand.ts';
import { envelope } from '../reliability/pipe.ts';
import { resolveLimits } from '../../../core/limits.ts';
import { SeededRandom } from '../../../core/random.ts';
import { Arena } from '../../../core/arena.ts';
import { Slab } from '../../../core/slab.ts';
import { VirtualClock } from '../../../core/virtual-clock.ts';
import { Driver } from '../../../sessions/driver.ts';
import { encodeSignal } from '../../../sessions/encode.ts';
import { Session } from '../../../sessions/session.ts';
import * as frame from '../../../transport/wire/frame.ts';

const ID = { idx: 7, val: 7 }; // as `envelope` has it
const NOW = 10;

/** A session that nothing but this test drives. */
function alone(): Session {
  const { resources } = new Driver({
    transport: new Hand(1, true),
    clock: new VirtualClock(),
    random: new SeededRandom(1),
    limits: resolveLimits(),
    services: new Map(),
  });
  const bounds = { grant: 9_999, window: 64, valueMax: 1 << 20, credit: 65_536 };
  const half = { session: 1, tag: 3, firstNumber: 0, firstSeq: 0, ...bounds };
  const parts = {
    id: ID,
    peer: 2,
    incarnation: { high: 1, low: 1 },
    own: half,
    remote: half,
    credentials: undefined,
    accepted: true,
  };
  return new Session(resources, parts, NOW);
}

/** A datagram with one PING in it. */
function ping(number: number): { readonly slab: Slab; readonly messagesAt: number } {
  const head = envelope({ number }).bytes;
  const signal = encodeSignal(new Arena(), { id: ID, seq: 0, ack: 1 }, frame.PING);
  const bytes = new Uint8Array(head.length + signal.bytes.length);
  bytes.set(head);
  bytes.set(signal.bytes, head.length);
  return { slab: new Slab(bytes), messagesAt: head.length };
}

test('P5.6: what came without a gap is not acknowledged at once', (t) => {
  const session = alone();
  const { slab, messagesAt } = ping(0);
  t.is(session.handleData(slab, 0, messagesAt, slab.bytes.length, NOW), undefined);
  t.is(session.pollTransmit(new Slab(65_536), NOW), 0);
  const at = session.pollTimeout();
  t.true(at > NOW && at < NOW + 25, `at ${at}`);
  t.true(session.pollTransmit(new Slab(65_536), at) > 0);
});

test('P5.3: a datagram for a session that ended in this batch is counted as such', (t) => {
  const session = alone();
  session.fail('closed', 'over', 'unknown');
  const { slab, messagesAt } = ping(0);
  t.is(session.handleData(slab, 0, messagesAt, slab.bytes.length, NOW), 'unknown-session');
});
