import test from 'ava';
import { VirtualClock } from '../../../core/virtual-clock.ts';
import { Turns } from '../../../sessions/turns.ts';

const NOW = new VirtualClock().now();

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

/** How many of a batch start each time before something is sent; at most four times. */
function shares(turns: Turns, count: number): number[] {
  const requests = new Requests(count);
  turns.add(requests);
  turns.handleRead();
  const taken: number[] = [];
  for (let left = count; left > 0 && taken.length < 4; left = requests.left) {
    turns.run(NOW);
    taken.push(left - requests.left);
    turns.handleSent();
  }
  return taken;
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

test('or a quarter of all that wait, where that is more', (t) => {
  t.deepEqual(shares(new Turns(new VirtualClock(), true), 1_000), [250, 187, 140, 105]);
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
  t.is(long.left, 100 - 25 - 12);
});

test('where datagrams can be lost a batch is cut in two at most', (t) => {
  const turns = new Turns(new VirtualClock(), false);
  t.deepEqual(shares(turns, 64), [32, 32]);
  t.deepEqual(shares(turns, 40), [32, 8]);
  t.deepEqual(shares(turns, 32), [32]);
  t.deepEqual(shares(turns, 65), [65]);
});

test('also one whose requests wait at several services, or for a channel', (t) => {
  const turns = new Turns(new VirtualClock(), false);
  const services = [0, 1, 2, 3].map(() => new Requests(40));
  for (const requests of services) turns.add(requests);
  turns.handleRead();
  turns.run(NOW);
  turns.handleSent();
  turns.run(NOW);
  t.deepEqual(services.map(({ left }) => left), [0, 0, 0, 0]);
});

test('while some are lost a batch is answered at once', (t) => {
  const turns = new Turns(new VirtualClock(), false);
  turns.handleLoss();
  for (let sent = 0; sent < 256; sent++) t.deepEqual(shares(turns, 64), [64]);
  t.deepEqual(shares(turns, 64), [32, 32]);
});

test('a service of which all have started is not waited for', (t) => {
  const turns = new Turns(new VirtualClock(), true);
  turns.add(new Requests(16));
  turns.run(NOW);
  turns.handleSent();
  t.false(turns.goesOn);
});
