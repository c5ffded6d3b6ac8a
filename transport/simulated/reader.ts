import type { Clock, Timer } from '../../core/clock.ts';
import type { Credentials, Sink } from '../transport.ts';
import { PARCEL_START, type Parcel } from './parcel.ts';

/** As many as netlink's reader takes with one recvmmsg. */
const BATCH_MAX = 64;

/** What a reader reads. */
export interface Readable {
  /** Whether `take` would give something. */
  readonly readable: boolean;
  /** The drop counter, which the reader knows from SO_MEMINFO. */
  readonly drops: number;
  take(): Parcel | 'overrun' | undefined;
  /** The sink has had the parcel. */
  delivered(parcel: Parcel): void;
}

/** Brings parcels from a queue to a sink, a batch at a time, each in a turn of the clock. */
export class Reader {
  readonly #clock: Clock;
  readonly #delayMs: number;
  readonly #from: Readable;
  readonly #timer: Timer;
  readonly #source: { peer: number; group: number; credentials: Credentials | undefined } = {
    peer: 0,
    group: 0,
    credentials: undefined,
  };
  #sink: Sink | undefined;
  #reading = false;
  #dropsTold = 0;
  #stalledUntil = 0;
  #stopped = false;

  /** `delayMs`: how long after an arrival at an idle reader its batch comes. */
  constructor(clock: Clock, delayMs: number, from: Readable) {
    this.#clock = clock;
    this.#delayMs = delayMs;
    this.#from = from;
    this.#timer = clock.timer(() => this.#read());
  }

  get started(): boolean {
    return this.#sink !== undefined;
  }

  start(sink: Sink): void {
    this.#sink = sink;
    this.wake();
  }

  /** Something may be there to be read. The sink is called in a later turn. */
  wake(): void {
    this.#plan(this.#delayMs);
  }

  /** Keeps it busy for so long, after what it is busy with already; gives until when. */
  stall(ms: number): number {
    this.#stalledUntil = Math.max(this.#stalledUntil, this.#clock.now()) + ms;
    return this.#stalledUntil;
  }

  /** Nothing is delivered afterwards. */
  stop(): void {
    this.#stopped = true;
    this.#timer.disarm();
  }

  #plan(delayMs: number): void {
    if (this.#reading || this.#sink === undefined || !this.#from.readable) return;
    this.#reading = true;
    this.#timer.arm(Math.max(this.#clock.now() + delayMs, this.#stalledUntil));
  }

  /** One batch. What the queue still holds waits for another turn: all sockets get theirs. */
  #read(): void {
    const sink = this.#sink!;
    const source = this.#source;
    const now = this.#clock.now();
    if (this.#stalledUntil > now) {
      this.#timer.arm(this.#stalledUntil);
      return;
    }
    for (let taken = 0; taken < BATCH_MAX; taken++) {
      if (this.#stalledUntil > now) break;
      const parcel = this.#from.take();
      if (parcel === undefined) break;
      if (parcel === 'overrun') {
        this.#tellDrops(sink);
      } else {
        source.peer = parcel.from;
        source.group = parcel.group;
        source.credentials = parcel.credentials;
        sink.receive(parcel.slab, PARCEL_START, PARCEL_START + parcel.length, source);
        this.#from.delivered(parcel);
      }
      if (this.#stopped) return;
    }
    this.#tellDrops(sink);
    if (this.#stopped) return;
    sink.received();
    this.#reading = false;
    if (!this.#stopped) this.#plan(0);
  }

  #tellDrops(sink: Sink): void {
    const lost = this.#from.drops - this.#dropsTold;
    this.#dropsTold = this.#from.drops;
    if (lost > 0) sink.overrun(lost);
  }
}
