import test from 'ava';
import { run } from '../../cli/program.ts';
import { Shell } from '../../cli/shell.ts';
import type { CallPlan, Route } from '../../cli/simulate/call.ts';
import { drawPlan } from '../../cli/simulate/draw.ts';
import { Ledger } from '../../cli/simulate/ledger.ts';
import { plainCall } from '../../cli/simulate/mix.ts';
import { NO_EVENTS, reportOf, type SeedResult } from '../../cli/simulate/result.ts';
import { idOf, stamped } from '../../cli/simulate/stamp.ts';
import { failureText, planText, reportText } from '../../cli/simulate/text.ts';
import { Trace } from '../../cli/simulate/trace.ts';
import { judge } from '../../cli/simulate/verdict.ts';
import { ConnectorError, type ErrorCode, type Outcome } from '../../index.ts';

/** Keeps what would be printed. */
class Recorder extends Shell {
  readonly printed: string[] = [];
  readonly complaints: string[] = [];

  override text(...lines: readonly string[]): void {
    this.printed.push(...lines);
  }

  override object(value: object): void {
    this.printed.push(JSON.stringify(value));
  }

  override complain(sentence: string): void {
    this.complaints.push(sentence);
  }
}

/** A ledger with a clock that is set by hand. */
class Book {
  nowMs = 0;
  steady = true;
  readonly ledger: Ledger = new Ledger(
    () => this.nowMs,
    new Trace(() => this.nowMs, undefined),
  );
  readonly #route: Route = {
    name: 'A.1>101',
    from: 'A.1',
    server: 101,
    steady: () => this.steady,
  };

  issue(plan: Partial<CallPlan> = {}): ReturnType<Ledger['issue']> {
    return this.ledger.issue({ ...plainCall(false, 100), ...plan }, this.#route);
  }

  /** Runs a call from begin to end. */
  execute(call: ReturnType<Ledger['issue']>, server = 'B.1'): void {
    const input = call.plan.form === 'empty' ? call.id : call.input(); // its handler knows which
    this.ledger.end(this.ledger.begin(input, server)!);
  }

  fail(call: ReturnType<Ledger['issue']>, code: ErrorCode, outcome: Outcome): void {
    this.ledger.fail(call, new ConnectorError(code, 'no', { outcome }));
  }

  /** What is wrong when all is over. */
  verdict(): readonly string[] {
    judge(this.ledger);
    return this.ledger.violations;
  }
}

function verdictOf(story: (book: Book) => void): readonly string[] {
  const book = new Book();
  story(book);
  return book.verdict();
}

/** A call that runs once and succeeds. */
function good(book: Book, plan: Partial<CallPlan> = {}): void {
  const call = book.issue(plan);
  book.execute(call);
  book.ledger.succeed(call, call.reply());
}

test('a stamp names its call, its way and its length, and shows any damage', (t) => {
  for (const length of [8, 9, 200, 61_440]) {
    const bytes = stamped(77, 'request', length);
    t.is(idOf(bytes, 'request'), 77);
    t.is(idOf(bytes, 'reply'), undefined);
    t.is(idOf(bytes.subarray(0, length - 1), 'request'), undefined);
    bytes[length - 1]! ^= 1;
    t.is(idOf(bytes, 'request'), undefined);
  }
});

test('the model finds nothing wrong with what is right', (t) => {
  const violations = verdictOf((book) => {
    for (const form of ['bytes', 'json', 'empty'] as const) good(book, { form, channel: 'c' });
    const thrown = book.issue({ behaviour: 'throwing' });
    book.ledger.begin(thrown.input(), 'B.1');
    book.ledger.fail(thrown, new ConnectorError('application', thrown.complaint, {
      outcome: 'executed',
    }));
    book.fail(book.issue(), 'no-peer', 'not-sent');
    const unknown = book.issue();
    book.nowMs = 101;
    book.fail(unknown, 'deadline-exceeded', 'unknown');
    book.execute(unknown); // late, but nobody was told that it would not
    const again = book.issue({ idempotent: true });
    book.execute(again);
    book.execute(again, 'B.2');
    book.ledger.succeed(again, again.reply());
  });
  t.deepEqual(violations, []);
});

const wrong: Readonly<Record<string, readonly [RegExp, (book: Book) => void]>> = {
  'runs twice': [/#0 .* was executed 2 times, by B.1, B.2/, (book) => {
    const call = book.issue();
    book.execute(call, 'B.1');
    book.execute(call, 'B.2');
    book.ledger.succeed(call, call.reply());
  }],
  'runs twice in a process, idempotent': [/executed 2 times by B.1/, (book) => {
    const call = book.issue({ idempotent: true });
    book.execute(call);
    book.execute(call);
    book.ledger.succeed(call, call.reply());
  }],
  'another reply': [/got a reply that is not its own/, (book) => {
    const [call, other] = [book.issue(), book.issue()];
    book.execute(call);
    book.ledger.succeed(call, other.reply());
    book.fail(other, 'busy', 'not-sent');
  }],
  'a success without a run': [/succeeded without being executed/, (book) => {
    const call = book.issue();
    book.ledger.succeed(call, call.reply());
  }],
  'runs after not-executed': [/ran at B.1 after its caller was told not-executed/, (book) => {
    const call = book.issue();
    book.fail(call, 'busy', 'not-executed');
    book.execute(call);
  }],
  'ran, told not-sent': [/was told not-sent \(closed\), but ran at B.1/, (book) => {
    const call = book.issue();
    book.execute(call);
    book.fail(call, 'closed', 'not-sent');
  }],
  'did not run, told executed': [/was told executed .* but never ran/, (book) =>
    book.fail(book.issue(), 'reply-evicted', 'executed')],
  'an open call': [/never settled/, (book) => void book.issue()],
  'a late call': [/settled 3.000 ms after its deadline/, (book) => {
    const call = book.issue();
    book.nowMs = 103;
    book.fail(call, 'deadline-exceeded', 'unknown');
  }],
  'a channel out of order': [/channel c of A.1>101 at B.1: #0 ran after #1/, (book) => {
    const [call, next] = [book.issue({ channel: 'c' }), book.issue({ channel: 'c' })];
    for (const each of [next, call]) {
      book.execute(each);
      book.ledger.succeed(each, each.reply());
    }
  }],
  'two of a channel at once': [/#1 began before #0 had ended/, (book) => {
    const [call, next] = [book.issue({ channel: 'c' }), book.issue({ channel: 'c' })];
    const runs = [call, next].map((each) => book.ledger.begin(each.input(), 'B.1')!);
    for (const execution of runs) book.ledger.end(execution);
    for (const each of [call, next]) book.ledger.succeed(each, each.reply());
  }],
  'a payload from nowhere': [/given a payload that nobody sent/, (book) =>
    void book.ledger.begin(new Uint8Array(9), 'B.1')],
  'an error without an outcome': [/failed without an outcome: Error: no/, (book) =>
    book.ledger.fail(book.issue(), new Error('no'))],
};

for (const [what, [sentence, story]] of Object.entries(wrong)) {
  test(`the model finds ${what}`, (t) => {
    const violations = verdictOf(story);
    t.true(violations.some((violation) => sentence.test(violation)), violations.join('\n'));
  });
}

test('of several sessions, only calls that are known to have run are in order', (t) => {
  const story = (book: Book): void => {
    const [lost, next] = [book.issue({ channel: 'c' }), book.issue({ channel: 'c' })];
    book.fail(lost, 'peer-lost', 'unknown');
    book.execute(next);
    book.ledger.succeed(next, next.reply());
    book.execute(lost);
  };
  t.is(verdictOf(story).length, 1);
  t.deepEqual(verdictOf((book) => {
    book.steady = false;
    story(book);
  }), []);
});

test('a plan is a function of its seed, and worlds differ', (t) => {
  t.deepEqual(drawPlan(5), drawPlan(5));
  const plans = Array.from({ length: 200 }, (_value, seed) => drawPlan(seed));
  t.is(new Set(plans.map(({ parties }) => parties.length)).size, 6);
  for (const { parties } of plans) {
    t.true(parties.some(({ role }) => role !== 'client'));
    t.true(parties.some(({ role }) => role !== 'server'));
  }
});

test('no line is longer than 100 columns, and failures name the command', (t) => {
  const result: SeedResult = {
    seed: 4_000_000_000, violations: ['x '.repeat(300)], calls: 9, events: NO_EVENTS,
    faults: { lost: 7 }, virtualMs: 1.5, digest: '0',
  };
  const plans = Array.from({ length: 100 }, (_value, seed) => planText(drawPlan(seed))).flat();
  const failure = failureText(result);
  t.true(failure.join('\n').includes('cnrpc simulate --seed 4000000000 --trace'));
  for (const line of [...plans, ...failure, ...reportText(reportOf([result], 12))]) {
    t.true(line.length <= 100, line);
  }
});

test('a report adds up, key by key', (t) => {
  const events = { published: 3, given: 5, missed: 2, gaps: 1, unknown: 0 };
  const seed = { calls: 2, events, faults: { lost: 1, busy: 0 }, virtualMs: 10, digest: '' };
  const report = reportOf([
    { ...seed, seed: 1, violations: [] },
    { ...seed, seed: 2, violations: ['bad'] },
  ], 5.4);
  t.is(JSON.stringify(report), JSON.stringify({
    seeds: { run: 2, passed: 1, failed: [2] },
    calls: 4, events: { published: 6, given: 10, missed: 4, gaps: 2, unknown: 0 },
    faults: { lost: 2, busy: 0 }, virtualMs: 20, wallMs: 5,
  }));
});

const shell = new Recorder();

test.serial('options that do not go together are refused by name', async (t) => {
  const misuses: readonly (readonly [string, RegExp])[] = [
    ['', /--seeds A..B or --seed N is needed/],
    ['--seeds 2..1', /--seeds takes A..B/],
    ['--seeds 3', /--seeds takes A..B/],
    ['--seed 1 --seeds 1..2', /exclude each other/],
    ['--seeds 1..2 --trace', /--trace goes with --seed only/],
    ['--seed 1 --until-failure', /--until-failure goes with --seeds only/],
    ['--seed 1 --trace --json', /--trace and --json exclude each other/],
  ];
  for (const [args, complaint] of misuses) {
    shell.complaints.length = 0;
    const words = ['simulate', ...args.split(' ').filter((word) => word !== '')];
    t.is(await run(words, shell), 2, args);
    t.regex(shell.complaints[0]!, complaint);
  }
});

test.serial('a traced seed shows its options, its legend, its events and its sum', async (t) => {
  shell.printed.length = 0;
  t.is(await run(['simulate', '--seed', '4', '--trace'], shell), 0);
  const text = shell.printed.join('\n');
  t.regex(text, /^seed {7}4: \d endpoints/);
  t.regex(text, /\ntime ms {5}who/);
  t.regex(text, /\n {5}1\.000 {2}A\.1 {4}starts at 101\n/);
  t.regex(text, /verdict {4}good/);
});

test.serial('several seeds end with one JSON object', async (t) => {
  shell.printed.length = 0;
  t.is(await run(['simulate', '--seeds', '1..3', '--json'], shell), 0);
  const report = JSON.parse(shell.printed.at(-1)!) as ReturnType<typeof reportOf>;
  t.deepEqual(report.seeds, { run: 3, passed: 3, failed: [] });
  t.deepEqual(Object.keys(report), ['seeds', 'calls', 'events', 'faults', 'virtualMs', 'wallMs']);
});
