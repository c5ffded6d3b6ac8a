import { faultsIn, type Fault } from './fault.ts';

const SUBSCRIBER = ['unit/sessions/events/subscriber', 'unit/sessions/events/asks'];
const PUBLISHER = ['unit/sessions/events/publisher'];

/** Faults of events, at their publishers and at their subscribers. */
export const eventFaults: readonly Fault[] = [
  ...faultsIn(
    'sessions/events/order.js',
    ['property/events', ...SUBSCRIBER],
    [
      ['a held event is held twice', 'list[index - 1].number === held.number', 'false'],
      [
        'a gap is one too large',
        'const missing = until - this.#next;',
        'const missing = until - this.#next + 1;',
      ],
      ['a gap is not reported', 'if (missing > 0)', 'if (false)'],
      ['what is told is not missed', 'this.#giveUp(number);', ''],
      ['a hole is waited for too long', 'since + windowMs', 'since + 100 * windowMs'],
      ['a hole is not waited for', 'held.at + windowMs', 'held.at'],
      ['what is held is counted for ever', 'holding.count -= 1;', ''],
      ['what is held is out of order', 'list[index - 1].number > held.number', 'false'],
    ],
  ),
  ...faultsIn(
    'sessions/events/backlog.js',
    ['unit/sessions/events/backlog', ...SUBSCRIBER],
    [
      ['a buffer has no end', 'if (this.full) {', 'if (false) {'],
      ['an overflow is silent', "this.miss(entry.origin, 1, entry.number + 1, 'slow');", ''],
      [
        'a gap grows behind events',
        'entry.origin.trailing = undefined; this.#entries.push(entry);',
        'this.#entries.push(entry);',
        'property/events',
      ],
      ['a gap that was read grows', 'else if (entry.origin.trailing === entry)', 'else if (false)'],
      ['an unknown gap is counted', "trailing.missed === 'unknown' ||", ''],
    ],
  ),
  ...faultsIn('sessions/events/subscriber.js', SUBSCRIBER, [
    ['what waits unread is missed', 'if (track.excused) {', 'if (false) {'],
    ['what is missing is waited for again and again', '!track.excused &&', ''],
    ['an event is given again', 'if (number >= order.next)', 'if (true)', 'property/events'],
    ['the allow rule is not asked', 'if (!this.#allows(source))', 'if (false)'],
    ['any answer counts', 'this.#asks.isAnswer(each, head)', 'true'],
    ['an old stream goes on', 'track.over = true;', ''],
    [
      'a restart is silent',
      'if (!track.ended) this.backlog.missUnknown(track.origin, reason);',
      '',
    ],
    ['an end in good order is unknown', 'if (!track.ended) this.backlog', 'this.backlog'],
    [
      'a young stream begins where it is heard',
      'young ? 1 : Math.max(1, head.number)',
      'Math.max(1, head.number)',
    ],
    ['an old stream is missed from 1', 'young ? 1 : Math.max(1, head.number)', '1'],
    [
      'who is forgotten comes back in silence',
      "this.backlog.missUnknown(origin, 'forgotten');",
      '',
    ],
    ['copies of the forgotten are given', 'if (doubtful && this.#copies)', 'if (false)'],
    ['a broken word is not noticed', 'if (track.watchAt <= now)', 'if (false)'],
    ['a word is kept no time', 'now + 2 * withinMs + slackMs', 'now'],
    ['an overrun is not asked about', 'if (!track.over && !track.ended)', 'if (false)'],
    ['older streams are not asked about', 'this.#asks.begin(older);', ''],
    ['what is held has no bound', 'holding.count > eventsHeldMax', 'false'],
    ['the dead are asked for long', "outcome === 'no-peer' &&", 'false &&'],
    [
      'the others wait for ever',
      'this.parts.touched(); // others may wait for their turn if',
      'if',
    ],
    ['a full buffer takes strangers in', 'this.backlog.full ||', ''],
  ]),
  ...faultsIn('sessions/events/asks.js', SUBSCRIBER, [
    ['all are asked at once', 'if (!inquiry.open && this.#open >= OPEN_MAX)', 'if (false)'],
    ['a question is asked for ever', 'if (inquiry.tries >= TRIES_MAX)', 'if (false)'],
    ['questions do not back off', 'first * SPACING_FACTOR ** tries', 'first'],
    ['an overrun meanwhile is forgotten', 'inquiry.again = true;', ';'],
    ['a place is not given back', 'this.#open -= 1;', ';'],
    ['the ack of an answer is not looked at', 'seqPlus(inquiry.ack, 1) === ack', 'true'],
  ]),
  ...faultsIn('sessions/events/senders.js', SUBSCRIBER, [
    [
      'the one heard last gives way',
      'this.#senders.delete(peer); this.#senders.set(peer, sender);',
      '',
    ],
    [
      'one with something missing gives way',
      'if (!tracks.every(({ quiet }) => quiet))',
      'if (false)',
    ],
    ['what was forgotten is forgotten', 'this.#forgotAt = now;', ''],
    ['an address has no end of streams', 'if (sender.tracks.length < STREAMS_MAX)', 'if (true)'],
  ]),
  ...faultsIn('sessions/events/outlet.js', PUBLISHER, [
    ['a number is used twice', 'this.#next += 1;', '', 'unit/sessions/events/publisher'],
    ['a refused event takes a number', "outcome === 'sent' || outcome === 'no-peer'", 'true'],
    ['no beacon is sent', 'if (this.#queue.length === 0) this.#beaconDue = true;', ''],
    ['beacons go on for ever', 'if (beacons >= BEACONS)', 'if (false)'],
    [
      'a beacon promises too much',
      'const withinMs = this.#spacing(beacons);',
      'const withinMs = 1;',
    ],
    [
      'the end is told too early',
      'this.#ended && this.#polled === this.#queue.length',
      'this.#ended',
    ],
    ['packing has no bound', '&& at + newsLength(news) > max', '&& false'],
    ['the queue has no bound', 'this.#queue.length >= limits.eventsQueuedMax ||', ''],
    ['a stream has no age', 'ageMs: now - startedAt', 'ageMs: 0'],
  ]),
  ...faultsIn(
    'sessions/events/exchange.js',
    [...SUBSCRIBER, ...PUBLISHER],
    [
      ['an event by unicast is taken', 'if (count > 0 && source.group !== id.idx)', 'if (false)'],
      ['a number beyond 2^53 is taken', 'if (last > Number.MAX_SAFE_INTEGER)', 'if (false)'],
      ['an answer has the ack of the question', 'seqPlus(head.ack, 1)', 'head.ack'],
      ['the living stream answers for the old', '(asked ?? siblings.at(-1))', 'siblings.at(-1)'],
    ],
  ),
  ...faultsIn(
    'transport/wire/event.js',
    ['vectors', ...SUBSCRIBER],
    [
      ['the high half of a number is lost', 'Math.floor(head.number / 2 ** 32)', '0'],
      ['an event of another id is taken', 'if (!sameId ||', 'if ('],
      ['a topic may go beyond its event', 'payload < frame.NEWS_HEADER + topic', 'false'],
      [
        'numbers are not compared',
        'if (cnMsgSeq(slab, at) !== (head.number + count) >>> 0)',
        'if (false)',
      ],
      ['the padding of an event is not cleared', 'bytes.fill(0, payload + length, next);', ''],
    ],
  ),
];
