import test from 'ava';
import { Hand } from '../../fuzz/hand.ts';
import { resolveLimits } from '../../../core/limits.ts';
import { SeededRandom } from '../../../core/random.ts';
import { VirtualClock } from '../../../core/virtual-clock.ts';
import type { Demux, HalfOpen } from '../../../sessions/demux.ts';
import { Driver } from '../../../sessions/driver.ts';
import type { Opening } from '../../../transport/wire/handshake.ts';

// Offers to a process that was started anew (P4.2, P4.5).

const id = { idx: 9, val: 1 };
const PEER = 42;

function newDemux(): Demux {
  return new Driver({
    transport: new Hand(1, true),
    clock: new VirtualClock(),
    random: new SeededRandom(1),
    limits: resolveLimits(),
    services: new Map(),
  }).demux;
}

function offer(demux: Demux, source: number, start: number): HalfOpen {
  const opening: Opening = {
    id,
    seq: source,
    ack: 77,
    session: 0,
    source,
    tag: source,
    incarnation: { high: 1, low: start },
    firstNumber: 0,
    firstSeq: 5,
    grant: 1_000,
    window: 64, valueMax: 1 << 20, credit: 65_536,
  };
  const made = demux.offer(id, PEER, opening, 1_000, undefined);
  if (typeof made === 'number') throw new Error(`refused: ${made}`);
  return made;
}

function use(demux: Demux, { own, opening }: HalfOpen): string {
  const routed = demux.route(own.session, opening.source, own.tag, PEER, 1);
  return typeof routed === 'string' ? routed : routed.state;
}

test('P4.2: an OPEN that differs in its incarnation alone is another OPEN', (t) => {
  const demux = newDemux();
  const first = offer(demux, 1, 1);
  t.is(offer(demux, 1, 1), first);
  t.not(offer(demux, 1, 2), first);
});

test('P4.5: a session of a new incarnation ends what the one before was offered', (t) => {
  const demux = newDemux();
  const before = offer(demux, 1, 1);
  const after = offer(demux, 2, 2);
  t.is(use(demux, after), 'open');
  t.is(use(demux, before), 'unknown-session');
  t.is(use(demux, after), 'open', 'and it goes on');
});
