import test from 'ava';
import fc from 'fast-check';
import { message } from './pipe.ts';
import type { Outgoing } from '../../../reliability/outgoing.ts';
import { SendQueue } from '../../../reliability/send-queue.ts';

/** What waits, in the order in which it would go. */
function waiting(queue: SendQueue): number[] {
  const seqs: number[] = [];
  queue.visit(({ seq }) => {
    seqs.push(seq);
    return true;
  });
  return seqs;
}

test('what is to be sent again goes before what is new, each in order (P5.7)', (t) => {
  const queue = new SendQueue();
  const all = [0, 1, 2, 3].map((seq) => message(seq));
  queue.push(all[0]!);
  queue.repeat(all[2]!);
  queue.push(all[1]!);
  queue.repeat(all[3]!);
  t.deepEqual(waiting(queue), [2, 3, 0, 1]);
  t.is(queue.first(), all[2]);
  t.false(queue.empty);
});

test('a visit ends where it is told to', (t) => {
  const queue = new SendQueue();
  for (let seq = 0; seq < 5; seq++) {
    if (seq < 2) queue.repeat(message(seq));
    else queue.push(message(seq));
  }
  for (let limit = 1; limit <= 5; limit++) {
    let seen = 0;
    queue.visit(() => ++seen < limit);
    t.is(seen, limit);
  }
});

test('what waits already is not added to be sent again', (t) => {
  const queue = new SendQueue();
  const one = message(0);
  queue.push(one);
  queue.repeat(one);
  t.deepEqual(waiting(queue), [0]);
  queue.remove(one);
  t.true(queue.empty);
  t.false(one.queued);
  queue.repeat(one);
  queue.repeat(one);
  t.deepEqual(waiting(queue), [0]);
});

test('taking out what does not wait changes nothing', (t) => {
  const queue = new SendQueue();
  const waits = message(0);
  queue.push(waits);
  queue.remove(message(1)); // a probe's copy of what is under way
  t.deepEqual(waiting(queue), [0]);
  t.true(waits.queued);
});

test('withdrawn messages are skipped wherever they stand, and an empty queue is empty', (t) => {
  const step = fc.record({ again: fc.boolean(), withdraw: fc.nat(), remove: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const queue = new SendQueue();
      let again: Outgoing[] = [];
      let fresh: Outgoing[] = [];
      steps.forEach((each, seq) => {
        const added = message(seq);
        if (each.again) {
          queue.repeat(added);
          again.push(added);
        } else {
          queue.push(added);
          fresh.push(added);
        }
        const model = [...again, ...fresh];
        if (each.withdraw % 3 === 0) model[each.withdraw % model.length]!.done = true;
        again = again.filter(({ done }) => !done);
        fresh = fresh.filter(({ done }) => !done);
        const first = [...again, ...fresh][0];
        if (queue.first() !== first) throw new Error('first');
        if (each.remove && first !== undefined) {
          queue.remove(first);
          (again.length > 0 ? again : fresh).shift();
        }
        const expected = [...again, ...fresh].map((one) => one.seq).join();
        if (waiting(queue).join() !== expected) throw new Error('order');
        if (queue.empty !== (expected === '')) throw new Error('empty');
      });
    }),
  );
  t.pass();
});

test('withdrawn messages do not pile up behind one that waits', (t) => {
  const queue = new SendQueue();
  const live: number[] = [];
  for (let seq = 0; seq < 20_000; seq++) {
    const one = message(seq);
    queue.push(one);
    if (seq % 200 === 0) live.push(seq);
    else one.withdraw();
  }
  t.deepEqual(waiting(queue), live);
  t.true(queue.length <= 2 * live.length + 257, `${queue.length} entries`);
});
