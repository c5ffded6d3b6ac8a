import test from 'ava';
import { drawPlan } from '../../cli/simulate/draw.ts';
import { EventBook, type Hearing } from '../../cli/simulate/events/book.ts';
import type { ListenerPlan } from '../../cli/simulate/events/plan.ts';
import type { StreamRecord } from '../../cli/simulate/events/stream.ts';
import { Ledger } from '../../cli/simulate/ledger.ts';
import { Trace } from '../../cli/simulate/trace.ts';
import { ConnectorError, type Gap, type GapReason } from '../../index.ts';

const PUBLISHER = 101;
const LISTENER = 102;
const HOSTILE = 900;
const LISTENS: ListenerPlan = {
  topic: 0, lateMs: 0, stayMs: Infinity, buffer: 9, paceMs: 0, choosy: true,
};

/** A book with a clock that is set by hand, a stream and a subscription. */
class Tale {
  nowMs = 1;
  readonly #trace: Trace = new Trace(() => this.nowMs, undefined);
  readonly ledger: Ledger = new Ledger(() => this.nowMs, this.#trace);
  readonly book: EventBook = new EventBook(() => this.nowMs, this.ledger, this.#trace, {
    wayMs: 5, jumps: false, hostile: HOSTILE,
  });
  readonly hearing: Hearing = this.listen();
  readonly stream: StreamRecord = this.begin('s1');

  begin(name: string): StreamRecord {
    return this.book.begin(PUBLISHER, name, 0, 'A.1');
  }

  listen(): Hearing {
    return this.book.hear('B.1', LISTENER, LISTENS, false);
  }

  publish(count: number, stream = this.stream): void {
    for (let left = count; left > 0; left--) {
      this.book.sent(this.book.issue(stream, 'bytes', 20), stream.last + 1);
    }
  }

  /** Gives the event of this number, with the value of that one. */
  give(number: number, of = number, hearing = this.hearing, sender = PUBLISHER): void {
    const event = this.book.eventOf(this.stream, of)!;
    this.book.take(hearing, {
      kind: 'event', sender, stream: 's1', number, topic: event.topic, value: event.value(),
      credentials: { pid: sender, uid: 0, gid: 0 },
    });
  }

  miss(missed: Gap['missed'], next?: number, reason: GapReason = 'lost', stream = 's1'): void {
    this.book.take(this.hearing, { kind: 'gap', sender: PUBLISHER, stream, missed, next, reason });
  }
}

function verdictOf(story: (tale: Tale) => void): readonly string[] {
  const tale = new Tale();
  story(tale);
  tale.book.judge();
  return tale.ledger.violations;
}

test('the model of events finds nothing wrong with what is right', (t) => {
  const violations = verdictOf((tale) => {
    tale.publish(9);
    tale.miss(1, 2);
    tale.give(2);
    tale.give(3);
    tale.miss(2, 6, 'slow');
    tale.give(6);
    tale.book.end(tale.stream);
    tale.begin('s2');
    tale.miss('unknown', undefined, 'restarted');
    tale.nowMs = 1000;
    const late = tale.listen();
    tale.give(7, 7, late);
    const refused = tale.book.issue(tale.stream, 'json', 9);
    tale.book.refused(refused, new ConnectorError('closed', '', { outcome: 'not-sent' }), false);
  });
  t.deepEqual(violations, []);
});

const wrong: Readonly<Record<string, readonly [RegExp, (tale: Tale) => void]>> = {
  'an event given twice': [/again, or out of order, after 1/, (tale) => {
    tale.give(1);
    tale.give(1);
  }],
  'events out of order': [/again, or out of order, after 2/, (tale) => {
    tale.miss(1, 2);
    tale.give(2);
    tale.give(1);
  }],
  'events left out in silence': [/silence after 1/, (tale) => {
    tale.give(1);
    tale.give(3);
  }],
  'a beginning left out': [/the beginning is left out/, (tale) => tale.give(2)],
  'what was before': [/that was before/, (tale) => {
    tale.nowMs = 100;
    const late = tale.listen();
    const gap = { missed: 2, next: 3, reason: 'lost' } as const;
    tale.book.take(late, { kind: 'gap', sender: PUBLISHER, stream: 's1', ...gap });
  }],
  'a gap too large': [/again, or out of order, after 1/, (tale) => {
    tale.give(1);
    tale.miss(2, 3);
  }],
  'a gap beyond the end': [/only 5 were published/, (tale) => tale.miss(6, 7)],
  'the value of another': [/not what was published/, (tale) => tale.give(1, 2)],
  'an event from nowhere': [/never published/, (tale) => tale.give(6, 2)],
  'a stream from nowhere': [/a stream that nobody published/, (tale) =>
    tale.miss(1, 2, 'lost', 'other')],
  'a sender that the rule denies': [/its rule forbids that/, (tale) =>
    tale.give(1, 1, tale.hearing, HOSTILE)],
  'events after the end': [/the stream was over/, (tale) => {
    tale.begin('s2');
    tale.miss('unknown', undefined, 'restarted');
    tale.give(1);
  }],
  'a restart that nobody made': [/no other stream ever was there/, (tale) =>
    tale.miss('unknown', undefined, 'restarted')],
  'somebody forgotten without need': [/nobody had to be forgotten/, (tale) =>
    tale.miss('unknown', undefined, 'forgotten')],
  'a living publisher taken for dead': [/its publisher lives/, (tale) => {
    tale.book.calm();
    tale.nowMs = 9;
    tale.miss('unknown', undefined, 'gone');
  }],
  'a number left out': [/is number 7, after 6/, (tale) =>
    tale.book.sent(tale.book.issue(tale.stream, 'none', 0), 7)],
  'an event that never got a number': [/never got a number/, (tale) =>
    void tale.book.issue(tale.stream, 'none', 0)],
  'a refusal without a reason': [/was too-big/, (tale) => {
    const error = new ConnectorError('too-big', '', { outcome: 'not-sent' });
    tale.book.refused(tale.book.issue(tale.stream, 'none', 0), error, false);
  }],
};

for (const [what, [sentence, story]] of Object.entries(wrong)) {
  test(`the model of events finds ${what}`, (t) => {
    const violations = verdictOf((tale) => {
      tale.publish(5);
      story(tale);
    });
    t.true(violations.some((violation) => sentence.test(violation)), violations.join('\n'));
  });
}

test('half of all worlds have events', (t) => {
  const plans = Array.from({ length: 100 }, (_value, seed) => drawPlan(seed));
  const some = plans.filter(({ events }) => events !== undefined);
  t.true(some.length > 30 && some.length < 70, `${some.length}`);
  for (const { events, parties } of some) t.is(events!.heralds.length, parties.length);
});
