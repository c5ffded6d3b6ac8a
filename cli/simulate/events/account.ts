import type { Gap } from '../../../sessions/events/item.ts';

/** What a subscription is to be given of one stream when it hears of it. */
export type Beginning = 'from 1' | 'not from 1' | 'anywhere';

/**
 * Where a subscription stands in one stream: all numbers from the first one on are accounted for,
 * each given once or part of one gap (P10.4). Each step gives what is wrong with it.
 */
export class Account {
  readonly #beginning: Beginning;
  /** Undefined at first: nothing is known of what came before. */
  #at: number | undefined;
  /** A gap of unknown size stands here: the next number is any higher one. */
  #loose = false;
  #over = false;
  /** How many gaps of unknown size there were. */
  unknown = 0;

  constructor(beginning: Beginning) {
    this.#beginning = beginning;
  }

  /** The last number that is accounted for; 0 if none is. */
  get at(): number {
    return this.#at ?? 0;
  }

  /** The event of this number is given. */
  give(number: number): string | undefined {
    return this.#step(number, number, false);
  }

  /** These are reported to be missing. */
  miss({ missed, next, reason }: Gap): string | undefined {
    if (missed === 'unknown') {
      this.unknown += 1;
      // One that is gone or restarted had said all that is known of it before (P10.10).
      this.#loose ||= reason !== 'gone' && reason !== 'restarted';
      this.#over ||= reason === 'restarted';
      if (next !== undefined) return 'a gap of unknown size has an end';
      return reason === 'lost' || reason === 'unreadable' ? `${reason}, and why?` : undefined;
    }
    if (next === undefined || missed < 1 || missed >= next) return 'no gap';
    if (reason === 'gone' || reason === 'restarted' || reason === 'forgotten') return 'not known';
    return this.#step(next - missed, next - 1, true);
  }

  #step(first: number, last: number, gap: boolean): string | undefined {
    const [at, loose] = [this.#at, this.#loose];
    this.#at = last;
    this.#loose = false;
    if (this.#over) return 'the stream was over';
    if (at !== undefined && first <= at) return `again, or out of order, after ${at}`;
    if (loose) return undefined;
    if (at !== undefined) return first === at + 1 ? undefined : `silence after ${at}`;
    if (this.#beginning === 'from 1' && first !== 1) return 'the beginning is left out';
    if (this.#beginning === 'not from 1' && gap && first === 1) return 'that was before';
    return undefined;
  }
}
