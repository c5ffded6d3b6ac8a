import { fixedTraits } from './traits.ts';
import { Slab } from '../../../core/slab.ts';
import { Carrier } from '../../../reliability/carrier.ts';
import type { DataRefusal } from '../../../reliability/refusal.ts';
import { Outgoing } from '../../../reliability/outgoing.ts';
import { align4 } from '../../../core/slab.ts';
import type { Traits } from '../../../transport/transport.ts';
import { CN_MSG_HEADER, cnMsgLength, cnMsgSeq, writeCnMsg } from '../../../transport/wire/cnmsg.ts';
import * as frame from '../../../transport/wire/frame.ts';

const ID = { idx: 7, val: 7 };
const GRANT = 212_992;

/** What becomes of one datagram: for each copy that arrives, how long it takes, ms. */
export type Fate = readonly number[];

/** Decides the fate of the datagram with this count, of all that the pipe carried. */
export type Fates = (count: number, from: Side) => Fate;

export type Side = 'left' | 'right';

export interface PipeOptions {
  readonly fates: Fates;
  readonly traits?: Partial<Traits>;
  /** True if the transport refuses the send with this count, as it does when a queue is full. */
  readonly busy?: (count: number) => boolean;
  /** The first datagram number of both sides. */
  readonly firstNumber?: number;
  readonly grant?: number;
  readonly packedMax?: number;
}

interface Flying {
  readonly at: number;
  readonly order: number;
  readonly to: Side;
  readonly slab: Slab;
}

/** One end of the pipe: a carrier, and what it reported. */
export interface End {
  readonly carrier: Carrier;
  /** Messages reported as delivered, in that order. */
  readonly delivered: Outgoing[];
  /** Sequence numbers of the messages that arrived here, copies included. */
  readonly arrived: number[];
  readonly refusals: DataRefusal[];
  /** Datagrams sent, and those of them that carried no message. */
  sent: number;
  acknowledgements: number;
}

/** Two carriers back to back over a pipe that loses, copies and reorders, in virtual time. */
export class Pipe {
  readonly left: End;
  readonly right: End;
  now = 1;
  readonly #options: PipeOptions;
  readonly #flying: Flying[] = [];
  readonly #later: { readonly at: number; readonly act: () => void }[] = [];
  readonly #out = new Slab(65_536);
  #sends = 0;
  #carried = 0;

  constructor(options: PipeOptions) {
    this.#options = options;
    this.left = this.#end();
    this.right = this.#end();
  }

  /** Does something at a time to come. */
  at(time: number, act: () => void): void {
    this.#later.push({ at: time, act });
  }

  /** Runs until nothing is left to happen; throws if that does not come about. */
  run(stepsMax = 100_000): void {
    for (let steps = 0; steps < stepsMax; steps++) {
      this.#transmit(this.left, 'right');
      this.#transmit(this.right, 'left');
      const next = this.nextAt;
      if (next === Infinity) return;
      this.now = Math.max(this.now, next);
      this.#happen();
    }
    throw new Error(`the pipe is still busy after ${stepsMax} steps, at ${this.now} ms`);
  }

  /** When the next thing happens; Infinity: nothing is under way and no timer is set. */
  get nextAt(): number {
    const timers = [this.left, this.right].map(({ carrier }) => carrier.pollTimeout());
    const events = [...this.#flying, ...this.#later].map(({ at }) => at);
    return Math.min(...timers, ...events);
  }

  #end(): End {
    const { traits, firstNumber = 0, grant = GRANT, packedMax = 16_384 } = this.#options;
    const delivered: Outgoing[] = [];
    const carrier = new Carrier(
      {
        id: ID,
        traits: fixedTraits(traits),
        grainMs: 0.1,
        packedMax,
        ownSession: 1,
        peerSession: 2,
        peerTag: 3,
        firstSent: firstNumber,
        firstReceived: firstNumber,
        grant,
        ownGrant: () => grant,
        delivered: (message) => delivered.push(message),
        thinned: () => {},
      },
      this.now,
    );
    return { carrier, delivered, arrived: [], refusals: [], sent: 0, acknowledgements: 0 };
  }

  #transmit(from: End, to: Side): void {
    const { carrier } = from;
    for (;;) {
      const length = carrier.pollTransmit(this.#out, this.now);
      if (length === 0) return;
      if (this.#options.busy?.(this.#sends++) === true) {
        carrier.refused(true, this.now, this.now);
        return;
      }
      if (carrier.transmitted(this.now).length === 0) from.acknowledgements += 1;
      from.sent += 1;
      const bytes = this.#out.bytes.slice(0, length);
      const side = to === 'right' ? 'left' : 'right';
      for (const delay of this.#options.fates(this.#carried++, side)) {
        const order = this.#flying.length;
        this.#flying.push({ at: this.now + delay, order, to, slab: new Slab(bytes) });
      }
    }
  }

  #happen(): void {
    const due = <T extends { readonly at: number }>(queue: T[]): T[] => {
      const ready = queue.filter(({ at }) => at <= this.now);
      queue.splice(0, queue.length, ...queue.filter(({ at }) => at > this.now));
      return ready.sort((one, other) => one.at - other.at);
    };
    for (const { act } of due(this.#later)) act();
    for (const { to, slab } of due(this.#flying)) this.#receive(this[to], slab);
    for (const { carrier } of [this.left, this.right]) {
      if (carrier.pollTimeout() <= this.now) carrier.handleTimeout(this.now);
    }
  }

  #receive(end: End, slab: Slab): void {
    const envelope = cnMsgLength(slab, frame.ENVELOPE_CN);
    const from = frame.ENVELOPE + align4(envelope);
    const refusal = end.carrier.accept(slab, 0, this.now);
    if (refusal !== undefined) {
      end.refusals.push(refusal);
      return;
    }
    let news = false;
    for (let at = from; at < slab.bytes.length; ) {
      const seq = cnMsgSeq(slab, at);
      if (!end.arrived.includes(seq)) news = true;
      end.arrived.push(seq);
      at += CN_MSG_HEADER + align4(cnMsgLength(slab, at));
    }
    if (from < slab.bytes.length) end.carrier.planAcknowledgement(news, this.now);
  }
}

/** A CLOSE-like message of a length, which must be a multiple of 4, header included. */
export function message(seq: number, length = 40, deadline: number = Infinity): Outgoing {
  const slab = new Slab(length);
  writeCnMsg(slab, 0, ID, seq, 0, length - CN_MSG_HEADER, frame.REQUEST);
  return new Outgoing(frame.REQUEST, seq, 0, slab, 0, length, { deadline });
}

/** Hands over a datagram, as if messages had followed that are news. */
export function take(carrier: Carrier, slab: Slab, now: number): DataRefusal | undefined {
  const refusal = carrier.accept(slab, 0, now);
  if (refusal === undefined) carrier.planAcknowledgement(true, now);
  return refusal;
}

/** The fields of a DATA envelope; those left out are 0. */
export interface Envelope {
  readonly number: number;
  readonly floor?: number;
  readonly ackBase?: number;
  readonly bitmap?: readonly number[];
  readonly delayMicros?: number;
  readonly grant?: number;
  readonly late?: number;
}

/** A DATA datagram without messages, made by hand: any field may be nonsense. */
export function envelope(fields: Envelope): Slab {
  const { number, floor = number, ackBase = 0, bitmap = [] } = fields;
  const slab = new Slab(frame.DATA_BITMAP + 4 * bitmap.length);
  const length = slab.bytes.length - frame.ENVELOPE;
  writeCnMsg(slab, frame.ENVELOPE_CN, ID, number >>> 0, 3, length, frame.DATA);
  const word = (at: number, value: number): void => slab.view.setUint32(at, value >>> 0, true);
  word(frame.DATA_NUMBER_HIGH, Math.floor(number / 2 ** 32));
  word(frame.DATA_FLOOR, floor);
  word(frame.DATA_ACK_BASE, ackBase);
  word(frame.DATA_ACK_DELAY, fields.delayMicros ?? 0);
  word(frame.DATA_GRANT, fields.grant ?? GRANT);
  slab.view.setUint16(frame.DATA_LATE, fields.late ?? 0, true);
  bitmap.forEach((bits, index) => word(frame.DATA_BITMAP + 4 * index, bits));
  return slab;
}
