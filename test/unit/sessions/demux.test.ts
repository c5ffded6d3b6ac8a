import test from 'ava';
import { Hand } from '../../fuzz/hand.ts';
import { message } from '../reliability/pipe.ts';
import { resolveLimits, type Limits } from '../../../core/limits.ts';
import { SeededRandom } from '../../../core/random.ts';
import { VirtualClock } from '../../../core/virtual-clock.ts';
import { half, type Demux, type HalfOpen } from '../../../sessions/demux.ts';
import { Driver } from '../../../sessions/driver.ts';
import type { Session } from '../../../sessions/session.ts';
import * as frame from '../../../transport/wire/frame.ts';
import type { Opening } from '../../../transport/wire/handshake.ts';

const id = { idx: 9, val: 1 };
const PEER = 42;
const NOW = 1;

function demuxWith(limits: Partial<Limits> = {}): Demux {
  return new Driver({
    transport: new Hand(1, true),
    clock: new VirtualClock(),
    random: new SeededRandom(1),
    limits: resolveLimits(limits),
    services: new Map(),
  }).demux;
}

function opening(source: number, changes: Partial<Opening> = {}): Opening {
  return {
    id,
    seq: source,
    ack: 77,
    session: 0,
    source,
    tag: source + 1000,
    incarnation: { high: 1, low: 1 },
    firstNumber: 0,
    firstSeq: 5,
    grant: 1000,
    window: 64, valueMax: 1 << 20, credit: 65_536,
    ...changes,
  };
}

function offer(demux: Demux, open: Opening, peer = PEER): HalfOpen | number {
  return demux.offer(id, peer, open, 1000, undefined);
}

/** What the first datagram that uses an offer leads to. */
function use(
  demux: Demux,
  offered: HalfOpen,
  changes: { readonly tag?: number; readonly peer?: number } = {},
): string {
  const { own, opening: open } = offered;
  const { tag = own.tag, peer = PEER } = changes;
  const routed = demux.route(own.session, open.source, tag, peer, NOW);
  return typeof routed === 'string' ? routed : 'session';
}

/** Offers and uses a session. */
function session(demux: Demux, open: Opening, peer = PEER): Session {
  const offered = offer(demux, open, peer);
  if (typeof offered === 'number') throw new Error(`refused: ${offered}`);
  const { own } = offered;
  const routed = demux.route(own.session, open.source, own.tag, peer, NOW);
  if (typeof routed === 'string') throw new Error(routed);
  return routed;
}

function offered(demux: Demux, open: Opening): HalfOpen {
  const made = offer(demux, open);
  if (typeof made === 'number') throw new Error(`refused: ${made}`);
  return made;
}

test('an opening opens nothing: the session is made when its tag is first used (P4.4)', (t) => {
  const demux = demuxWith();
  const half1 = offered(demux, opening(1));
  t.is(demux.size, 0);
  t.is(use(demux, half1), 'session');
  t.is(demux.size, 1);
  t.is(use(demux, half1), 'session', 'and is found from then on');
  t.is(demux.size, 1);
});

test('a repeated opening gets the same offer, another one does not (P4.2)', (t) => {
  const demux = demuxWith();
  const first = offered(demux, opening(1));
  t.is(offered(demux, opening(1)), first);
  const changes: Partial<Opening>[] = [
    { tag: 5 }, { seq: 5 }, { ack: 5 }, { incarnation: { high: 1, low: 2 } },
  ];
  for (const change of changes) t.not(offered(demux, opening(1, change)), first);
});

test('the tag, the peer and its own session number must all fit', (t) => {
  for (const open of [false, true]) {
    const demux = demuxWith();
    const made = offered(demux, opening(1));
    if (open) t.is(use(demux, made), 'session');
    const other = open ? 'wrong-tag' : 'unknown-session';
    t.is(use(demux, made, { tag: made.own.tag ^ 1 }), 'wrong-tag');
    t.is(use(demux, made, { peer: PEER + 1 }), other);
    t.is(demux.route(made.own.session, 99, made.own.tag, PEER, NOW), other);
    t.is(demux.route(made.own.session + 1, 1, made.own.tag, PEER, NOW), 'unknown-session');
    t.is(demux.size, open ? 1 : 0, 'and nothing is opened by trying');
  }
});

test('both halves of a session number and tag are never those of another', (t) => {
  const demux = demuxWith();
  const halves = Array.from({ length: 100 }, () => demux.half(1000));
  t.is(new Set(halves.map(({ session: number }) => number)).size, 100);
  t.true(new Set(halves.map(({ tag }) => tag)).size > 95);
  for (const { firstSeq } of halves) {
    t.true(firstSeq > 0xffff_ffff - 4096, 'sequence numbers start shortly before the wrap');
  }
});

test('a peer has no more sessions at work than it may, others still get theirs', (t) => {
  const demux = demuxWith({ sessionsPerPeerMax: 2 });
  const busy = (made: Session): void => made.carrier.enqueue(message(0));
  busy(session(demux, opening(1)));
  const waiting = offered(demux, opening(2));
  const tooLate = offered(demux, opening(3));
  t.is(use(demux, waiting), 'session');
  busy(demux.get(waiting.own.session)!);
  t.is(use(demux, tooLate), 'over-limit', 'the bound holds for offers made before it was reached');
  t.is(offer(demux, opening(4)), frame.REASON_BUSY);
  session(demux, opening(5), PEER + 1);
  t.is(demux.size, 3);
  for (const { state } of demux.sessions()) t.is(state, 'open', 'each has its own');
});

test('at the bound of one peer its idle session gives way, and nobody else is touched', (t) => {
  const demux = demuxWith({ sessionsPerPeerMax: 1 });
  const other = session(demux, opening(1), PEER + 1);
  const first = session(demux, opening(1));
  const second = session(demux, opening(2));
  t.deepEqual([first.state, second.state, other.state], ['ended', 'open', 'open']);
});

test('a full table gives up an idle session before it refuses', (t) => {
  const demux = demuxWith({ sessionsMax: 2, sessionsPerPeerMax: 2 });
  const first = session(demux, opening(1), 1);
  session(demux, opening(2), 2);
  const third = session(demux, opening(3), 3);
  t.is(demux.size, 2);
  t.is(first.state, 'ended');
  t.false(first.lost, 'nothing was open in it: its peer may be told so');
  t.is(demux.resetReason(first.number), frame.REASON_UNKNOWN_SESSION);
  t.is(third.state, 'open');
});

test('a table full of sessions at work refuses', (t) => {
  const demux = demuxWith({ sessionsMax: 2, sessionsPerPeerMax: 2 });
  for (const peer of [1, 2]) session(demux, opening(peer), peer).carrier.enqueue(message(0));
  t.is(offer(demux, opening(3), 3), frame.REASON_BUSY);
  t.is(demux.size, 2);
});

test('a new incarnation ends the sessions of the one before, and only those (P4.5)', (t) => {
  const demux = demuxWith();
  const old = session(demux, opening(1));
  const elsewhere = session(demux, opening(2), PEER + 1);
  const next = opening(3, { incarnation: { high: 1, low: 2 } });
  const waiting = offered(demux, next);
  t.is(old.state, 'open', 'an opening alone may be an old copy');
  t.is(use(demux, waiting), 'session');
  t.is(old.state, 'ended');
  t.true(old.lost);
  t.is(elsewhere.state, 'open');
  demux.forget(old);
  t.is(demux.resetReason(old.number), frame.REASON_LOST_SESSION);
  t.is([...demux.ofPeer(PEER)].length, 1);
});

test('of offers never used the oldest are dropped', (t) => {
  const demux = demuxWith({ halfOpenMax: 3 });
  const made = [1, 2, 3, 4].map((source) => offered(demux, opening(source)));
  t.is(use(demux, made[0]!), 'unknown-session');
  t.is(use(demux, made[3]!), 'session');
});

test('when lost sessions are forgotten, nothing is claimed about those as old (P4.8)', (t) => {
  const demux = demuxWith({ lostSessionsMax: 2 });
  const before = offered(demux, opening(9)).own.session;
  const lost = [1, 2, 3].map((source) => session(demux, opening(source)));
  const later = offered(demux, opening(4)).own.session;
  t.is(demux.resetReason(before), frame.REASON_UNKNOWN_SESSION);
  lost.forEach((each, index) => {
    each.fail('peer-lost', 'test', 'unknown');
    demux.forget(each);
    demux.forget(each); // forgetting twice counts once
    const reason = index < 2 ? frame.REASON_UNKNOWN_SESSION : frame.REASON_LOST_SESSION;
    t.is(demux.resetReason(before), reason, `after ${index + 1}`);
    t.is(demux.resetReason(later), frame.REASON_UNKNOWN_SESSION, 'that never was');
    t.is(demux.resetReason(each.number), frame.REASON_LOST_SESSION);
  });
  t.is(demux.size, 0);
});

test('the half of a session is what its opening says', (t) => {
  const { source, tag, firstNumber, firstSeq, grant, window, valueMax, credit } = opening(8);
  const said = { tag, firstNumber, firstSeq, grant, window, valueMax, credit };
  t.deepEqual(half(opening(8)), { session: source, ...said });
});
