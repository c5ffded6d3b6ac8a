import test from 'ava';
import { Hand } from '../../fuzz/hand.ts';
import { envelope } from '../reliability/pipe.ts';
import { requestOf } from '../../requests.ts';
import { resolveLimits } from '../../../core/limits.ts';
import { SeededRandom } from '../../../core/random.ts';
import { Arena } from '../../../core/arena.ts';
import { Slab } from '../../../core/slab.ts';
import { VirtualClock } from '../../../core/virtual-clock.ts';
import { Driver } from '../../../sessions/driver.ts';
import type { Resources } from '../../../sessions/resources.ts';
import { Session } from '../../../sessions/session.ts';
import { REQUEST } from '../../../transport/wire/frame.ts';

const id = { idx: 9, val: 1 };
const FIRST_SEQ = 5;

function driver(): Driver {
  return new Driver({
    transport: new Hand(1, true),
    clock: new VirtualClock(),
    random: new SeededRandom(1),
    limits: resolveLimits(),
    services: new Map(),
  });
}

/** A session that is not in the table: nothing but this test drives it. */
function alone(resources: Resources): Session {
  const bounds = { grant: 9999, window: 64, valueMax: 1 << 20, credit: 65_536 };
  const half = { session: 1, tag: 2, firstNumber: 0, firstSeq: FIRST_SEQ, ...bounds };
  const parts = {
    id, peer: 2, incarnation: { high: 1, low: 1 }, own: half, remote: half, accepted: true,
    credentials: undefined,
  };
  return new Session(resources, parts, 1);
}

test('refusals that arrive after their session has ended are not counted off twice', (t) => {
  const { resources } = driver();
  const session = alone(resources);
  session.responder.drain();
  const options = {
    kind: REQUEST, channel: 0, position: 0, method: new Uint8Array(1), format: 0,
    payload: new Uint8Array(0),
    call: { deadline: Infinity },
  };
  const identity = { id, seq: FIRST_SEQ, ack: 1 };
  const { bytes } = requestOf(new Arena(), identity, options);
  session.responder.handleRequest(false, new Slab(bytes), 0, bytes.length, 1);
  t.is(resources.refusalsHeld, 1);
  t.true(session.carrier.pollTransmit(new Slab(4096), 1) > 0);
  session.carrier.transmitted(1);
  session.fail('closed', 'as when CLOSE is acknowledged in the same datagram', 'unknown');
  t.is(resources.refusalsHeld, 0);
  t.is(session.carrier.accept(envelope({ number: 0, ackBase: 1 }), 0, 2), undefined);
  t.is(resources.refusalsHeld, 0);
});
