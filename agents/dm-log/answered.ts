/** How many requests are remembered with their answers. */
export const ANSWERED_MAX = 64;

/**
 * The requests of one table that were answered lately, by their numbers. The kernel sends in the
 * order of its numbers and never repeats one: a copy is the transport's, and one that was overtaken
 * may no longer have its effect, for what followed it may have taken that back.
 */
export class Answered<Answer> {
  readonly #answers = new Map<number, Answer>();
  #newest: number | undefined;

  /** What the request was answered; `stale` if it must not be executed any more. */
  find(seq: number): Answer | 'stale' | undefined {
    const known = this.#answers.get(seq);
    if (known !== undefined) return known;
    // RFC 1982: older by less than half of all numbers.
    const late = this.#newest !== undefined && ((seq - this.#newest) | 0) <= 0;
    return late ? 'stale' : undefined;
  }

  /** Remembers an answer, which makes all numbers before stale. */
  add(seq: number, answer: Answer): void {
    this.#newest = seq;
    this.#answers.set(seq, answer);
    if (this.#answers.size <= ANSWERED_MAX) return;
    const [oldest] = this.#answers.keys();
    this.#answers.delete(oldest!);
  }
}
