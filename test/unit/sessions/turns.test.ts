import test from 'ava';
import { VirtualClock } from '../../../core/virtual-clock.ts';
import { Turns } from '../../../sessions/turns.ts';

/** Requests that wait for their handlers. */
class Requests {
  listed = false;
  left: number;

  constructor(count: number) {
    this.left = count;
  }

  get length(): number {
    return this.left;
  }

  startNext(): boolean {
    if (this.left === 0) return false;
    this.left -= 1;
    return true;
  }

  rest(): void {}
}

test('what sixteen handlers reply is sent before the next ones start', (t) => {
  const clock = new VirtualClock();
  const turns = new Turns(clock, true);
  const requests = new Requests(40);
  turns.add(requests);
  const lefts: number[] = [];
  for (let goesOn = true; goesOn; goesOn = turns.goesOn) {
    turns.run(clock.now());
    turns.run(clock.now()); // nothing was sent in between
    lefts.push(requests.left);
    turns.handleSent();
  }
  t.deepEqual(lefts, [24, 8, 0]);
});

test('after that a quarter of all that wait, where that is more', (t) => {
  const clock = new VirtualClock();
  const turns = new Turns(clock, true);
  const requests = new Requests(1_016);
  turns.add(requests);
  turns.run(clock.now());
  t.is(requests.left, 1_000);
  turns.handleSent();
  turns.run(clock.now());
  t.is(requests.left, 750);
});

test('services take turns', (t) => {
  const clock = new VirtualClock();
  const turns = new Turns(clock, true);
  const [long, short] = [new Requests(100), new Requests(4)];
  turns.add(long);
  turns.add(short);
  turns.run(clock.now());
  turns.handleSent();
  turns.run(clock.now());
  t.is(short.left, 0);
  t.is(long.left, 100 - 16 - 12);
});

test('where datagrams are lost all of a batch is answered at once', (t) => {
  const clock = new VirtualClock();
  const turns = new Turns(clock, false);
  const requests = new Requests(1_000);
  turns.add(requests);
  turns.run(clock.now());
  t.is(requests.left, 0);
});
