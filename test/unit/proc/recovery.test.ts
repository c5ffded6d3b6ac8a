import test from 'ava';
import { Recovery, type Step } from '../../../agents/proc/recovery.ts';
import { SeededRandom } from '../../../core/random.ts';

/** Goes through a round of three CPUs, of which so many answer, and so many drops happen. */
function round(recovery: Recovery, answers: number, drops: readonly [number, number]): Step {
  const now = recovery.timeout;
  recovery.handleTimeout(now, drops[0]);
  for (let asked = 0; ; asked++) {
    const request = recovery.peekRequest();
    if (request === undefined) break;
    recovery.sent();
    if (asked < answers) recovery.handleAnswer((request.ack + 1) >>> 0);
  }
  return recovery.handleTurn(now + 1, drops[1]);
}

function make(picture: boolean): Recovery {
  const recovery = new Recovery({ picture, cpus: [0, 1, 2], random: new SeededRandom(1) });
  recovery.begin(true);
  recovery.settle(0);
  return recovery;
}

test('counts are compared only if every CPU was heard and nothing dropped meanwhile', (t) => {
  const recovery = make(false);
  t.is(round(recovery, 2, [5, 5]).kind, 'wait');
  t.true(recovery.settling);
  t.is(round(recovery, 3, [5, 6]).kind, 'wait');
  t.true(recovery.settling);
  t.is(round(recovery, 3, [6, 6]).kind, 'settled');
  t.false(recovery.settling);
  t.true(recovery.settled);
});

test('a settled moment is not sought for ever', (t) => {
  const recovery = make(false);
  let rounds = 0;
  while (recovery.settling) {
    round(recovery, 0, [rounds, rounds + 1]);
    rounds += 1;
  }
  t.true(rounds >= 50 && rounds <= 101, `${rounds} rounds`);
  t.false(recovery.settled);
});

test('the look begins after the first round and counts after the second', (t) => {
  const recovery = make(true);
  recovery.touch(7);
  t.is(round(recovery, 3, [0, 0]).kind, 'settled');
  t.is(recovery.touched.size, 0, 'what came before the look tells nothing about it');
  t.true(recovery.wantsLook);
  recovery.touch(8);
  recovery.handleLook([], 0);
  t.false(recovery.wantsLook);
  recovery.touch(9);
  while (recovery.peekRequest() !== undefined) recovery.sent();
  const step = recovery.handleTurn(2000, 0);
  t.is(step.kind, 'compare');
  t.deepEqual([...recovery.touched], [8, 9]);
  recovery.handleLoss();
  round(recovery, 3, [0, 0]);
  t.true(recovery.wantsLook);
  t.is(recovery.touched.size, 0, 'nor does what came during the one before');
});
