import test from 'ava';
import { Gates, type Gated } from '../../../sessions/gates.ts';
import type { SessionState } from '../../../sessions/session.ts';

/** A session that has `left` datagrams for its peer. */
class Sender implements Gated {
  readonly peer: number;
  readonly name: string;
  state: SessionState = 'open';
  gated = false;
  left: number;
  asked = 0;
  readonly carrier = { settledAt: -Infinity, askNow: (): void => void (this.asked += 1) };

  constructor(name: string, peer = 1, left = 1) {
    this.name = name;
    this.peer = peer;
    this.left = left;
  }
}

/** Gates before queues that take so many datagrams. */
class Queues {
  readonly gates = new Gates<Sender>();
  readonly room = new Map<number, number>([[1, 0], [2, 0]]);
  readonly sent: string[] = [];
  visits = 0;
  refusals = 0;
  /** What was told of each refusal: since when the queue is full. */
  readonly since: number[] = [];
  now = 0;

  pass(...senders: readonly Sender[]): void {
    for (const sender of senders) this.gates.pass(sender, this.#send);
  }

  readonly #send = (sender: Sender): boolean => {
    this.visits += 1;
    while (sender.left > 0 && sender.state !== 'ended') {
      const room = this.room.get(sender.peer)!;
      if (room === 0) {
        this.refusals += 1;
        this.since.push(this.gates.refused(sender, this.now));
        return false;
      }
      this.room.set(sender.peer, room - 1);
      sender.left -= 1;
      this.sent.push(sender.name);
      this.gates.taken(sender.peer);
    }
    return true;
  };
}

function senders(names: string): Sender[] {
  return [...names].map((name) => new Sender(name));
}

test('one of many asks a full queue, and they send in the order in which they came', (t) => {
  const queues = new Queues();
  const all = senders('abcdefgh');
  queues.pass(...all);
  queues.pass(...[...all].reverse().filter((sender) => sender !== all[0]));
  t.is(queues.refusals, 1);
  queues.visits = 0;
  queues.room.set(1, 3);
  queues.pass(all[0]!);
  t.is(queues.sent.join(''), 'abc');
  t.is(queues.refusals, 2);
  const late = new Sender('x');
  queues.pass(late); // it does not push in
  queues.room.set(1, 100);
  queues.pass(all[3]!);
  t.is(queues.sent.join(''), 'abcdefghx');
  t.is(queues.refusals, 2);
  t.is(queues.visits, 4 + 6, 'each waits once, however often it has something to send');
  const after = new Sender('y');
  queues.pass(after);
  t.is(queues.sent.at(-1), 'y', 'the gate is open');
});

test('nobody waits for the queue of another peer', (t) => {
  const queues = new Queues();
  queues.pass(new Sender('a', 1));
  queues.room.set(2, 1);
  queues.pass(new Sender('b', 2));
  t.is(queues.sent.join(''), 'b');
});

test('who has ended neither waits nor is waited for', (t) => {
  const queues = new Queues();
  const [a, b, c, d] = senders('abcd') as [Sender, Sender, Sender, Sender];
  queues.pass(a, b, c, d);
  b.state = 'ended';
  queues.pass(b); // as soon as it has ended
  queues.visits = 0;
  queues.room.set(1, 1);
  a.state = 'ended';
  queues.pass(a);
  t.is(queues.sent.join(''), 'c');
  t.is(queues.visits, 3, 'a, c and d');
  t.is(queues.refusals, 2);
});

test('an acknowledgement has the queue asked at once, anything else does not', (t) => {
  const queues = new Queues();
  const [a, b] = senders('ab') as [Sender, Sender];
  const other = new Sender('other');
  t.is(queues.gates.heard(other, 5), undefined);
  queues.pass(a, b);
  t.is(queues.gates.heard(other, 5), undefined);
  other.carrier.settledAt = 5;
  t.is(queues.gates.heard(other, 5), a);
  t.is(a.asked, 1);
  t.is(queues.gates.heard(other, 6), undefined);
});

test('a queue is full since it last took anything, or its reader acknowledged something', (t) => {
  const queues = new Queues();
  const [a, b, c] = senders('abc') as [Sender, Sender, Sender];
  a.left = 2;
  const refusedAt = (now: number, sender: Sender): number => {
    queues.now = now;
    queues.pass(sender);
    return queues.since.at(-1)!;
  };
  t.is(refusedAt(10, a), 10);
  t.is(refusedAt(20, a), 10);
  queues.room.set(1, 1);
  t.is(refusedAt(30, a), 30);
  queues.pass(b, c);
  a.state = 'ended'; // lost: what is known of the queue stays known
  t.is(refusedAt(40, a), 30);
  b.carrier.settledAt = 50;
  queues.gates.heard(b, 50);
  t.is(refusedAt(60, b), 60);
});
