import test from 'ava';
import { requestOf } from '../../requests.ts';
import { Hand } from '../../fuzz/hand.ts';
import { envelope } from '../reliability/pipe.ts';
import { resolveLimits } from '../../../core/limits.ts';
import { SeededRandom } from '../../../core/random.ts';
import { Arena } from '../../../core/arena.ts';
import { align4, LITTLE_ENDIAN, Slab } from '../../../core/slab.ts';
import { VirtualClock } from '../../../core/virtual-clock.ts';
import { Driver } from '../../../sessions/driver.ts';
import { Session } from '../../../sessions/session.ts';
import { CN_MSG_HEADER, cnMsgLength, cnMsgSeq } from '../../../transport/wire/cnmsg.ts';
import * as frame from '../../../transport/wire/frame.ts';

const ID = { idx: 7, val: 7 }; // as `envelope` has it
const FIRST_SEQ = 0;
const SILENCE = 60_000;

/** A session that nothing but this test drives, by a peer that chooses what it acknowledges. */
class Chooser {
  readonly session: Session;
  now = 1;
  #sent = 0;
  #seq = FIRST_SEQ;
  /** Numbers of the session's datagrams that carry no reply to the first request. */
  readonly #others: number[] = [];
  #next = 0;
  readonly #out = new Slab(65_536);

  constructor() {
    const { resources } = new Driver({
      transport: new Hand(1, true),
      clock: new VirtualClock(),
      random: new SeededRandom(1),
      limits: resolveLimits({ silenceMs: SILENCE }),
      services: new Map(),
    });
    const bounds = { grant: 99_999, window: 64, valueMax: 1 << 20, credit: 65_536 };
    const half = { session: 1, tag: 3, firstNumber: 0, firstSeq: FIRST_SEQ, ...bounds };
    const common = { id: ID, peer: 2, incarnation: { high: 1, low: 1 }, own: half, remote: half };
    this.session = new Session(resources, { ...common, credentials: undefined, accepted: true }, 1);
  }

  /** Sends the next request, with an acknowledgement of all but the first reply. */
  ask(): void {
    const words = new Array<number>(Math.ceil(this.#next / 32)).fill(0);
    for (const number of this.#others) words[number >>> 5]! |= 1 << (number & 31);
    const bitmap = words.slice(0, 16);
    const head = envelope({ number: this.#sent++, bitmap }).bytes;
    const identity = { id: ID, seq: this.#seq++, ack: 1 };
    const { bytes } = requestOf(new Arena(), identity, {
      kind: frame.REQUEST,
      channel: 0,
      position: 0,
      method: new Uint8Array(1),
      format: 0,
      payload: new Uint8Array(0),
      call: { deadline: Infinity },
    });
    const datagram = new Slab(new Uint8Array([...head, ...bytes]));
    const end = datagram.bytes.length;
    this.session.handleData(datagram, 0, head.length, end, this.now);
  }

  /** Lets it send what it has. */
  drain(): void {
    for (;;) {
      const length = this.session.pollTransmit(this.#out, this.now);
      if (length === 0) return;
      this.session.carrier.transmitted(this.now);
      const number = this.#out.view.getUint32(frame.ENVELOPE_CN + 8, LITTLE_ENDIAN);
      this.#next = number + 1;
      let first = false;
      let at = frame.ENVELOPE + align4(cnMsgLength(this.#out, frame.ENVELOPE_CN));
      for (; at < length; at += CN_MSG_HEADER + align4(cnMsgLength(this.#out, at))) {
        if (cnMsgSeq(this.#out, at) === FIRST_SEQ) first = true;
      }
      if (!first) this.#others.push(number);
    }
  }
}

test('P7.3: a reply that is never acknowledged, while others are, holds up no close', (t) => {
  const chooser = new Chooser();
  const { session } = chooser;
  chooser.ask();
  const request = session.responder.pollRequest()!;
  session.responder.reply(request, frame.STATUS_OK, frame.FORMAT_NONE, new Uint8Array(0));
  void session.drain();
  chooser.drain();
  let minutes = 0;
  for (let step = 0; step < 400 && session.state !== 'ended'; step++) {
    chooser.now += 500;
    if (chooser.now >= session.pollTimeout()) session.handleTimeout(chooser.now);
    chooser.drain();
    chooser.now += 1;
    chooser.ask();
    chooser.drain();
    minutes = chooser.now / 60_000;
  }
  t.is(session.state, 'ended');
  t.true(minutes > 1.9 && minutes < 2.1, `after ${minutes} minutes`);
  t.true(session.lost);
});
