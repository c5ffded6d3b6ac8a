import test from 'ava';
import fc from 'fast-check';
import { SeededRandom } from '../../core/random.ts';
import { message, Pipe, type Fates, type PipeOptions } from '../unit/reliability/pipe.ts';

interface Weather {
  readonly loss: number;
  readonly copies: number;
  readonly reorder: number;
  readonly busy: number;
  readonly seed: number;
}

const weather: fc.Arbitrary<Weather> = fc.record({
  loss: fc.constantFrom(0, 0.05, 0.2, 0.5),
  copies: fc.constantFrom(0, 0, 0.2),
  reorder: fc.constantFrom(0, 0, 0.3),
  busy: fc.constantFrom(0, 0, 0.3),
  seed: fc.nat(0xffff_ffff),
});

/** Messages of both sides: when, who, how long. */
const traffic = fc.array(
  fc.record({
    at: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 30 })),
    left: fc.boolean(),
    length: fc.oneof(fc.constant(40), fc.integer({ min: 5, max: 3000 }).map((n) => 4 * n)),
  }),
  { minLength: 1, maxLength: 60 },
);

const firstNumbers = fc.constantFrom(0, 500, 2 ** 32 - 5, 2 ** 32, 9 * 2 ** 32 - 300);

/** Of the lossy kind, but one message arrives in the end: no more than ten in a row are lost. */
function fates({ loss, copies, reorder, seed }: Weather): Fates {
  const random = new SeededRandom(seed);
  let lostInRow = 0;
  return () => {
    const delay = random.chance(reorder) ? random.range(0.5, 6) : 0.5;
    const lost = random.chance(loss) && lostInRow < 10;
    lostInRow = lost ? lostInRow + 1 : 0;
    if (lost) return [];
    return random.chance(copies) ? [delay, delay + random.range(0, 40)] : [delay];
  };
}

function pipeOf(sky: Weather, firstNumber: number, more: Partial<PipeOptions> = {}): Pipe {
  const random = new SeededRandom(sky.seed ^ 0xb05e);
  return new Pipe({
    fates: fates(sky),
    // Copies come late and so overtaken: a transport that does that is not FIFO.
    traits: { fifo: sky.reorder === 0 && sky.copies === 0 },
    busy: () => random.chance(sky.busy),
    firstNumber,
    ...more,
  });
}

function check(pipe: Pipe): void {
  for (const { carrier, delivered, refusals } of [pipe.left, pipe.right]) {
    if (!carrier.settled) throw new Error('not settled');
    if (carrier.pollTimeout() !== Infinity) throw new Error('a timer is left');
    if (new Set(delivered).size !== delivered.length) throw new Error('reported twice');
    const odd = refusals.filter((why) => why !== 'duplicate-datagram' && why !== 'stale-datagram');
    if (odd.length > 0) throw new Error(`an honest datagram was refused: ${odd[0]}`);
  }
}

test('every message is delivered, reported exactly once, and no timer is left (P5.1)', (t) => {
  fc.assert(
    fc.property(weather, traffic, firstNumbers, (sky, messages, firstNumber) => {
      const pipe = pipeOf(sky, firstNumber);
      const counts = { left: 0, right: 0 };
      for (const { at, left, length } of messages) {
        const from = left ? 'left' : 'right';
        const seq = counts[from]++;
        pipe.at(1 + at, () => pipe[from].carrier.enqueue(message(seq, length)));
      }
      pipe.run();
      check(pipe);
      for (const [from, to] of [['left', 'right'], ['right', 'left']] as const) {
        if (pipe[from].delivered.length !== counts[from]) throw new Error('not all are reported');
        const arrived = new Set(pipe[to].arrived);
        if (arrived.size !== counts[from]) throw new Error(`${arrived.size} of ${counts[from]}`);
      }
    }),
    { numRuns: 300 },
  );
  t.pass();
});

test('a message that is withdrawn is never reported, and holds up nothing', (t) => {
  fc.assert(
    fc.property(weather, traffic, fc.nat(), (sky, messages, pick) => {
      const pipe = pipeOf(sky, 0);
      const sent = messages.map(({ length }, seq) => message(seq, length));
      messages.forEach(({ at }, seq) => {
        pipe.at(1 + at, () => pipe.left.carrier.enqueue(sent[seq]!));
      });
      const gone = sent[pick % sent.length]!;
      let already = false;
      pipe.at(1 + (pick % 40), () => {
        already = gone.done;
        gone.done = true;
      });
      pipe.run();
      check(pipe);
      const { delivered } = pipe.left;
      if (delivered.includes(gone) !== already) throw new Error('reported though withdrawn');
      if (delivered.length < sent.length - 1) throw new Error('another one is missing');
    }),
    { numRuns: 200 },
  );
  t.pass();
});

test('without loss messages fill datagrams, and acknowledgements are few (P5.10)', (t) => {
  const clear = { loss: 0, copies: 0, reorder: 0, busy: 0, seed: 1 };
  const pipe = pipeOf(clear, 0);
  for (let seq = 0; seq < 1000; seq++) pipe.left.carrier.enqueue(message(seq));
  pipe.run();
  check(pipe);
  t.is(pipe.left.delivered.length, 1000);
  t.deepEqual(pipe.right.arrived, [...Array(1000).keys()], 'in order, and none twice');
  // 1,000 messages of 40 bytes are three datagrams of 16 KiB.
  t.is(pipe.left.sent, 3);
  t.true(pipe.right.sent <= 3);
});

for (const [loss, bound] of [[0.05, 1.1], [0.2, 1.35], [0.5, 2.2]] as const) {
  test(`the datagrams it takes are in proportion to a loss of ${loss}`, (t) => {
    // One message a datagram, 400 each way, through a window of 16 datagrams.
    const sky = { loss, copies: 0, reorder: 0, busy: 0, seed: 7 };
    const pipe = pipeOf(sky, 0, { packedMax: 200, grant: 16 * 832 });
    const each = 400;
    for (let seq = 0; seq < each; seq++) {
      pipe.left.carrier.enqueue(message(seq, 100));
      pipe.right.carrier.enqueue(message(seq, 100));
    }
    pipe.run();
    check(pipe);
    const { left, right } = pipe;
    const data = left.sent + right.sent - left.acknowledgements - right.acknowledgements;
    t.log(`${data} datagrams with messages for ${2 * each}, at ${pipe.now.toFixed(1)} ms`);
    t.true(data >= 2 * each);
    t.true(data <= bound * 2 * each, `${data} datagrams`);
    t.true(left.arrived.length <= bound * each, 'few copies arrive');
  });
}

test('an outage of one direction, however long, ends with everything delivered', (t) => {
  for (const outage of [5, 50, 500, 20_000]) {
    let pipe: Pipe | undefined;
    const down: Fates = (_count, from) => (from === 'left' && pipe!.now < outage ? [] : [0.5]);
    pipe = new Pipe({ fates: down, packedMax: 200 });
    for (let seq = 0; seq < 600; seq++) {
      pipe.at(1 + seq / 10, () => pipe!.left.carrier.enqueue(message(seq, 100)));
      pipe.at(1 + seq / 10, () => pipe!.right.carrier.enqueue(message(seq, 100)));
    }
    pipe.run();
    check(pipe);
    t.is(pipe.left.delivered.length, 600);
    t.is(pipe.right.delivered.length, 600);
    t.true(pipe.now < 2 * outage + 6000, `took until ${pipe.now}`);
  }
});
