import test from 'ava';
import { ALL_KINDS } from '../../../agents/proc/kinds.ts';
import { Liveness, type Request } from '../../../agents/proc/liveness.ts';
import { ASK, LISTEN } from '../../../agents/proc/wire.ts';
import { SeededRandom } from '../../../core/random.ts';

const EINVAL = 22;
const EPERM = 1;

class Talk {
  readonly liveness: Liveness;
  now = 1000;

  constructor(mask: number = ALL_KINDS) {
    const random = new SeededRandom(1);
    this.liveness = new Liveness({ mask, probeMs: 1000, cpus: [0, 1, 2], random });
  }

  /** Sends the one request that waits. */
  send(): Request {
    const request = this.liveness.peekRequest()!;
    this.liveness.sent(this.now);
    return request;
  }

  answer({ ack }: Request, errno: number = 0): boolean {
    return this.liveness.handleAnswer((ack + 1) >>> 0, errno, this.now);
  }

  /** Lets the time come that is next; gives whether a mute was found. */
  wait(): boolean {
    this.now = this.liveness.timeout;
    return this.liveness.handleTimeout(this.now);
  }
}

function listening(): Talk {
  const talk = new Talk();
  talk.answer(talk.send());
  return talk;
}

test('probes go out once in an interval, from each CPU in turn', (t) => {
  const talk = listening();
  const seen = [1, 2, 3, 4].map(() => {
    t.false(talk.wait());
    const request = talk.send();
    talk.answer(request, EINVAL);
    return [talk.now, request.operation, request.cpu];
  });
  t.deepEqual(seen, [[2000, ASK, 0], [3000, ASK, 1], [4000, ASK, 2], [5000, ASK, 0]]);
  t.is(talk.liveness.mutes, 0);
});

test('an answer that may have been dropped is asked for again, and is no mute', (t) => {
  const talk = listening();
  talk.wait();
  talk.send();
  talk.liveness.handleLoss();
  t.false(talk.wait());
  const again = talk.send();
  t.is(again.operation, ASK);
  t.is(talk.liveness.mutes, 0);
  t.true(talk.wait(), 'nothing was dropped this time');
  t.is(talk.liveness.mutes, 1);
});

test('an answer to somebody else proves nothing', (t) => {
  const talk = listening();
  talk.wait();
  const request = talk.send();
  t.false(talk.liveness.handleAnswer(request.ack, EINVAL, talk.now));
  t.false(talk.liveness.handleAnswer((request.ack + 2) >>> 0, EINVAL, talk.now));
  t.true(talk.wait());
});

test('while opening, a drop does not lead to a second LISTEN', (t) => {
  const talk = new Talk();
  t.is(talk.send().operation, LISTEN);
  talk.liveness.handleLoss();
  talk.wait();
  const again = talk.send();
  t.is(again.operation, ASK);
  talk.answer(again, EINVAL);
  t.is(talk.liveness.state, 'listening');
});

test('a kernel that wants a privilege is not asked twice', (t) => {
  const talk = new Talk();
  talk.answer(talk.send(), EPERM);
  t.is(talk.liveness.state, 'refused');
  t.is(talk.liveness.refusal, 'permission');
  t.is(talk.liveness.peekRequest(), undefined);
});

test('against a mute it asks and listens in turn, and pauses at last', (t) => {
  const talk = listening();
  talk.wait();
  talk.send();
  t.true(talk.wait());
  const operations: number[] = [];
  while (talk.liveness.wantsTurn(talk.now)) {
    talk.liveness.handleTurn(talk.now);
    if (talk.liveness.peekRequest() !== undefined) operations.push(talk.send().operation);
  }
  t.is(operations.length, 8192);
  t.deepEqual(operations.slice(0, 4), [ASK, LISTEN, ASK, LISTEN]);
  t.is(talk.liveness.timeout, talk.now + 1000);
  talk.wait();
  t.true(talk.liveness.wantsTurn(talk.now), 'it does not give up');
});
