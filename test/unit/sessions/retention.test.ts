import test from 'ava';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Hand } from '../../fuzz/hand.ts';
import { requestOf } from '../../requests.ts';
import { resolveLimits } from '../../../core/limits.ts';
import { SeededRandom } from '../../../core/random.ts';
import { Arena } from '../../../core/arena.ts';
import { Slab } from '../../../core/slab.ts';
import { VirtualClock } from '../../../core/virtual-clock.ts';
import { Driver } from '../../../sessions/driver.ts';
import { Session } from '../../../sessions/session.ts';
import { REQUEST } from '../../../transport/wire/frame.ts';

const id = { idx: 9, val: 1 };
const SESSIONS = 300;
/** What a sweep may leave. */
const LEFT_MAX = 150;

test('a session that has ended is let go, whenever it was to be looked at again', async (t) => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const clock = new VirtualClock();
  const parts = {
    clock,
    random: new SeededRandom(1),
    limits: resolveLimits(),
    services: new Map(),
  };
  const driver = new Driver({ ...parts, transport: new Hand(1, true) });
  const ended: WeakRef<Session>[] = [];
  for (let number = 0; number < SESSIONS; number++) ended.push(await endedSession(driver, clock));
  await clock.advance(1);
  collect();
  const kept = ended.filter((session) => session.deref() !== undefined).length;
  t.true(kept <= LEFT_MAX, `${kept} of ${SESSIONS} are kept`);
});

/** Opens a session with a call in it, which does not end, and then the peer is lost. */
async function endedSession(driver: Driver, clock: VirtualClock): Promise<WeakRef<Session>> {
  const bounds = { grant: 9999, window: 64, valueMax: 1 << 20, credit: 65_536 };
  const half = { session: 0, tag: 2, firstNumber: 0, firstSeq: 5, ...bounds };
  const own = { ...driver.demux.half(9999), firstSeq: 5 };
  const incarnation = { high: 1, low: 1 };
  const session = driver.demux.open(
    { id, peer: 2, incarnation, own, remote: half, accepted: true, credentials: undefined },
    clock.now(),
  );
  const options = {
    kind: REQUEST,
    channel: 1,
    position: 1,
    method: new Uint8Array(1),
    format: 0,
    payload: new Uint8Array(0),
    call: { deadline: Infinity },
  };
  const identity = { id, seq: 5, ack: 1 };
  const { bytes } = requestOf(new Arena(), identity, options);
  session.responder.handleRequest(false, new Slab(bytes), 0, bytes.length, 1);
  driver.resources.touched(session);
  await clock.advance(1); // it is filed for when its peer is to be asked for a sign of life
  session.fail('peer-lost', 'the peer was started anew', 'unknown');
  await clock.advance(1);
  return new WeakRef(session);
}
