import type { Track } from './track.ts';
import type { Resources } from '../resources.ts';
import { seqPlus } from '../../reliability/sequence.ts';
import type { EventHead } from '../../transport/wire/event.ts';

/** Open at the same time: the answers come to a queue that may just have overrun (P10.9). */
const OPEN_MAX = 16;
const TRIES_MAX = 6;
const SPACING_FIRST = 2;
const SPACING_FACTOR = 4;
const SPACING_MAX_MS = 10_000;

/** The questions of one subscription to the publishers that it follows: who, when, how often. */
export class Asks {
  readonly #resources: Resources;
  /** Those whose turn is to come. */
  readonly #waiting = new Set<Track>();
  #open = 0;
  #seq: number;

  constructor(resources: Resources) {
    this.#resources = resources;
    this.#seq = resources.random.u32();
  }

  /** Asks a publisher as soon as there is room; once more afterwards, if it is being asked. */
  begin(track: Track): void {
    const { inquiry } = track;
    if (inquiry === undefined) this.#start(track, Infinity);
    else if (inquiry.open) inquiry.again = true;
  }

  /**
   * The next one to be asked now, each time with the same genes (P2.1); report what became of it to
   * `asked`.
   */
  poll(): Track | undefined {
    const [track] = this.#waiting;
    if (track === undefined) return undefined;
    const inquiry = track.inquiry!;
    if (!inquiry.open && this.#open >= OPEN_MAX) return undefined;
    if (!inquiry.open) this.#open += 1;
    this.#waiting.delete(track);
    inquiry.open = true;
    inquiry.tries += 1;
    return track;
  }

  /** The question is on its way, or could not be sent: both are tried again after a while. */
  asked(track: Track, now: number): void {
    track.inquiry!.at = now + this.#spacing(track.inquiry!.tries - 1);
  }

  /** Its time has come: false if it was asked often enough. */
  retry(track: Track): boolean {
    const inquiry = track.inquiry!;
    if (inquiry.tries >= TRIES_MAX) return false;
    inquiry.at = Infinity;
    // Those that are open come first: they take no room.
    const rest = inquiry.open ? [...this.#waiting] : [];
    if (inquiry.open) this.#waiting.clear();
    this.#waiting.add(track);
    for (const other of rest) this.#waiting.add(other);
    return true;
  }

  /** Whether something answers the question that is open (P2.2). */
  isAnswer(track: Track, { seq, ack }: EventHead): boolean {
    const { inquiry } = track;
    return inquiry?.open === true && inquiry.seq === seq && seqPlus(inquiry.ack, 1) === ack;
  }

  /** The answer is here. What was lost since the question wants another one, after a while. */
  answered(track: Track, now: number): void {
    const again = track.inquiry!.again;
    this.end(track);
    if (again) this.#start(track, now + this.#spacing(0));
  }

  /** The question is no longer of interest. */
  end(track: Track): void {
    if (track.inquiry?.open === true) this.#open -= 1;
    track.inquiry = undefined;
    this.#waiting.delete(track);
  }

  #start(track: Track, at: number): void {
    this.#seq = seqPlus(this.#seq, 1);
    const genes = { seq: this.#seq, ack: this.#resources.random.u32() };
    track.inquiry = { ...genes, tries: 0, at, open: false, again: false };
    if (at === Infinity) this.#waiting.add(track);
  }

  #spacing(tries: number): number {
    const first = SPACING_FIRST * this.#resources.traits.roundTripHintMs;
    return Math.min(first * SPACING_FACTOR ** tries, SPACING_MAX_MS);
  }
}
