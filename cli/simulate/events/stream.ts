import { STAMP_LENGTH, idOf, stamped } from '../stamp.ts';
import type { Peer } from '../../../transport/transport.ts';

/** Far from what calls and bare requests are stamped with. */
const FIRST_ID = 3_000_000;

/** How the value of an event is written. */
export type EventForm = 'bytes' | 'json' | 'none';

/** One stream as its world knows it. */
export class StreamRecord {
  readonly sender: Peer;
  readonly name: string;
  /** Where in `TOPICS`. */
  readonly topic: number;
  /** The incarnation that publishes, as `A.2`. */
  readonly who: string;
  readonly beganMs: number;
  /** When each event got its number; that of number n stands at n - 1. */
  readonly sentMs: number[] = [];
  /** It was closed, or its process is gone. */
  over = false;

  constructor(sender: Peer, name: string, topic: number, who: string, beganMs: number) {
    this.sender = sender;
    this.name = name;
    this.topic = topic;
    this.who = who;
    this.beganMs = beganMs;
  }

  /** The number of its last event. */
  get last(): number {
    return this.sentMs.length;
  }

  toString(): string {
    return `stream ${this.name.slice(0, 6)} of ${this.who}`;
  }
}

/** One event that was to be published. */
export class EventRecord {
  readonly id: number;
  readonly stream: StreamRecord;
  readonly form: EventForm;
  readonly length: number;
  /** What its publisher was told; undefined: nothing yet. */
  settled: number | 'refused' | undefined;

  /** `at`: how many were there before it. */
  constructor(at: number, stream: StreamRecord, form: EventForm, length: number) {
    this.id = FIRST_ID + at;
    this.stream = stream;
    this.form = form;
    this.length = Math.max(STAMP_LENGTH, length);
  }

  /** Events without a value are told apart by their topics. */
  get topic(): string {
    return this.form === 'none' ? `none ${this.id}` : `t${this.id % 7}`;
  }

  value(): unknown {
    if (this.form === 'none') return undefined;
    if (this.form === 'json') return { id: this.id, pad: 'é'.repeat(this.length % 100) };
    return stamped(this.id, 'request', this.length);
  }

  /** Whether a value is this event's own, to the byte. */
  is(topic: string, value: unknown): boolean {
    if (topic !== this.topic) return false;
    if (this.form !== 'bytes') return JSON.stringify(value) === JSON.stringify(this.value());
    return value instanceof Uint8Array && value.length === this.length
      && idOf(value, 'request') === this.id;
  }

  toString(): string {
    return `event ${this.id} of ${this.stream}`;
  }
}
