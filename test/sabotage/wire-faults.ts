import { faultsIn, type Fault } from './fault.ts';

/** Faults of the datagrams, of the driver and of the talk with bare peers. */
export const wireFaults: readonly Fault[] = [
  ...faultsIn('transport/wire/checksum.js', ['vectors', 'unit/sessions/router'], [
    ['the field of the checksum is four bytes off',
      'start + AT_CHECKSUM, checksum(slab, start, end)',
      'start + AT_CHECKSUM + 4, checksum(slab, start, end)', 'simulation/channels'],
    ['bytes behind the checksum are left out', 'start + AT_CHECKSUM + 4, end)',
      'start + AT_CHECKSUM + 8, end)', 'vectors', 'simulation/hostile'],
  ]),
  ...faultsIn('transport/wire/envelope.js', ['vectors', 'property/carrier'], [
    ['the reach of a bitmap is off by one', '32 * index + 32 - Math.clz32(word)',
      '32 * index + 31 - Math.clz32(word)', 'property/codec', 'unit/reliability/carrier'],
    ['the floor is not written',
      'view.setUint32(frame.DATA_FLOOR, envelope.floor >>> 0, NATIVE);', ''],
    ['the delay of an acknowledgement is not told', 'Math.floor(envelope.ackDelayMs * 1000)', '0'],
    ['a budget that is used up wraps', 'Math.max(0, Math.floor(leftMs * 1000))',
      'Math.floor(leftMs * 1000)', 'unit/reliability/carrier'],
  ]),
  ...faultsIn('transport/wire/datagram.js', ['unit/wire/datagram', 'vectors'], [
    ['a length beyond the datagram is believed', '|| length > end - at', ''],
    ['the padding of a message is not skipped', 'next += CN_MSG_HEADER + align4(length);',
      'next += CN_MSG_HEADER + length;', 'unit/wire/bundle'],
  ]),
  ...faultsIn('sessions/messages.js', ['unit/sessions/messages', 'property/codec'], [
    ['a message of another id is taken', '!sameId(slab, next, id) ||', ''],
    ['a method name may go beyond its message',
      'return REQUEST_HEADER + slab.view.getUint8(methodAt);',
      'return REQUEST_HEADER;'],
  ]),
  ...faultsIn('sessions/driver.js', ['simulation/scenarios', 'simulation/hostile'], [
    ['busy is treated as sent', "if (outcome === 'sent') { countMessages",
      "if (outcome === 'sent' || outcome === 'busy') { countMessages",
      'simulation/shares'],
    ['a dead peer is waited for', "outcome === 'no-peer' && traits.reportsDeath", 'false',
      'simulation/outcomes'],
    ['no checksum is written', 'if (!traits.intact)', 'if (false)', 'simulation/channels'],
    ['an overrun is not reported', 'session.carrier.handleOverrun(this.#now);', '',
      'simulation/shares'],
  ]),
  ...faultsIn('sessions/bare.js', ['simulation/bare'], [
    ['a consumed reply is forgotten', 'this.#consumed.add(source.peer, cn.id, cn);', ''],
    ['a reply is taken from anywhere', 'if (request.options.peer !== source.peer)', 'if (false)',
      'simulation/bare-origin'],
    ['an ack that w1 cannot tell apart is drawn', 'while (ack === seqPlus(this.#seq, 1))',
      'while (false)', 'simulation/bare-origin'],
  ]),
  ...faultsIn('sessions/consumed.js', ['property/consumed'], [
    ['an id is not looked at', ' && ring[at + IDX] === idx && ring[at + VAL] === val', ''],
    ['an older one with the same hash is lost', 'ring[at + BEFORE] = this.#newest[hash];', ''],
  ]),
  ...faultsIn('sessions/bare-request.js', ['simulation/bare'], [
    ['a request that is not idempotent is repeated',
      'this.options.repeatable ? now + this.#waitMs : Infinity', 'now + this.#waitMs'],
  ]),
  ...faultsIn('sessions/incoming.js', ['simulation/outcomes'], [
    ['a handler is not told of its deadline', 'else this.abort();', '', 'simulation/cancel'],
    ['a message that nobody replies to is taken for a request', 'ONE_WAY | WHOLE', 'WHOLE',
      'simulation/one-way'],
    ['a request in pieces is taken for a whole one', '=== WHOLE', '!== 0', 'simulation/values'],
  ]),
  ...faultsIn('sessions/grant.js', ['unit/sessions/grant'], [
    ['the grant is the same for all', 'receiveBuffer / Math.max(1, talkers)', 'receiveBuffer',
      'simulation/shares'],
    ['what is lost when it is too much is granted to many', 'lossless ?', 'true ?'],
    ['a small queue is promised whole', 'Math.min(LEAST, receiveBuffer * LEAST_SHARE)', 'LEAST'],
  ]),
  ...faultsIn('core/copies.js', ['unit/copies'], [
    ['a Buffer is taken as it is', 'bytes.constructor === Uint8Array', 'true', 'simulation/reused'],
    ['copies lie over each other', 'this.#taken += (length + 7) & ~7;', ''],
    ['what stays for long keeps a chunk', 'bytes.byteLength < bytes.buffer.byteLength', 'false'],
  ]),
  ...faultsIn('transport/udp/inbox.js', ['unit/udp/inbox'], [
    ['who comes alone is looked after each time', 'if (this.#unwatched > 0)', 'if (false)'],
    ['who came alone once does for ever', 'if (this.#alone && this.#polled <= 1)',
      'if (this.#alone)'],
    ['who follows is hardly noticed', ', UNWATCHED_MAX) : 0', ', UNWATCHED_MAX) : UNWATCHED_MAX'],
  ]),
  ...faultsIn('transport/udp/outbox.js', ['unit/udp/outbox'], [
    ['refusals in a row count as one', 'this.#unasked = 0;', ''],
    ['none but the first is asked after', 'asked ? ASKED - 1 : this.#unasked - 1', '-1'],
  ]),
  ...faultsIn('core/system-alarm.js', ['unit/system-alarm'], [
    ['a time moved forward is not told', 'Atomics.notify(this.#words, SET);', ''],
    ['a ring is for all', 'alarmAt <= now', 'true'],
    ['who was rung for last is told of', 'this.#tell(this.#earliest()); for', 'for'],
  ]),
  ...faultsIn('core/system-clock.js', ['unit/system-clock'], [
    ['a timeout beside an alarm is short', 'BESIDE_MS = 20', 'BESIDE_MS = 1'],
    ['an alarm keeps nothing alive', 'else if (this.#timeout === undefined)', 'else if (false)'],
  ]),
  ...faultsIn('sessions/lanes.js', ['simulation/concurrency'], [
    ['what waits for its turn keeps shared memory', 'incoming.own();', ''],
  ]),
  ...faultsIn('transport/netlink/lookout.js', ['unit/lookout'], [
    ['who looks does not look on', 'this.#until = now +', 'this.#until = 0 *'],
    ['looks that are worth it get no more time', 'Math.max(now - this.#since, LOOK_MS)', 'LOOK_MS'],
    ['looks that were worth it go on for ever', ', LOOK_MAX_MS)', ', Infinity)'],
    ['what was found makes up for nothing', 'if (this.#fruitful)', 'if (false)'],
    ['vain looks go on for ever', 'this.#misses + 1', 'this.#misses'],
    ['vain looks are never forgiven', 'this.#misses = 0;', ''],
  ]),
  ...faultsIn('transport/netlink/inbox.js', ['integration/netlink-looks'], [
    ['each look waits for its turn', 'now - this.#turnedAt < LOOKS_A_TURN_MS', 'false'],
    ['who broke looks on', 'if (this.#failure !== 0) {', 'if (false) {', 'unit/netlink-inbox'],
    ['looks let nobody have a turn', 'now - this.#turnedAt < LOOKS_A_TURN_MS', 'true'],
    ['a look that found something is not told of',
      '|| this.#failure !== 0) {\n            this.#handBatch(sink);',
      '|| this.#failure !== 0) { this.#handBatch(sink); return;'],
  ]),
  ...faultsIn('sessions/wakeup.js', ['unit/sessions/wakeup'], [
    ['the timer is not armed', 'this.#timer.arm(this.#at);', ''],
    ['an earlier time does not arm the timer', 'if (this.#at === this.#armedAt)',
      'if (this.#armedAt < Infinity)'],
    ['a look wakes nobody', 'this.#at <= this.#clock.now()', 'false'],
    ['a look wakes too early', 'this.#at <= this.#clock.now()', 'this.#at !== Infinity'],
    ['after the last look no timer is armed',
      'else if (this.#transport.looking !== true)\n            this.#arm();', ''],
    ['a timer is armed although somebody looks',
      'this.#at = at;\n        if (this.#transport.looking !== true)', 'this.#at = at;'],
    ['what woke once wakes again', 'this.#at = Infinity;\n        this.#wake();', 'this.#wake();'],
  ]),
];
