import Denque from 'denque';
import { assert } from '../../core/assert.ts';
import type { KernelEvent, LossCause, ProcEvent } from './event.ts';
import { difference } from './reconcile.ts';
import type { Process } from './table.ts';

/** What a consumer whose queue was full still has to be told. */
interface Debt {
  /** Reports lost, by cause. The cause `muted` has no count. */
  readonly lost: Map<LossCause, number | undefined>;
  /** What the consumer believes of the processes that changed since. */
  readonly believed: Map<number, Process | undefined>;
  /** It was to be told that its picture is whole. */
  restored: boolean;
}

/**
 * The bounded queue to the consumer. What does not fit is a loss like any other: it is counted, and
 * when the consumer has caught up it is told how many, and then what has changed meanwhile. For
 * that nothing has to be looked up: it is enough to remember what the consumer believed of each
 * process that changes, which are never more than live now and lived then.
 */
export class Outbox {
  /** Reports that did not fit. */
  refused = 0;
  readonly #queue = new Denque<ProcEvent>();
  readonly #max: number;
  readonly #current: (pid: number) => Process | undefined;
  readonly #wants: (event: KernelEvent) => boolean;
  #debt: Debt | undefined;
  /** Nothing that the kernel lost is still to be found out. */
  #whole: boolean;

  /**
   * `max` events wait; `current` gives what is known of a process now, `wants` what to queue.
   * Without a `picture` of the living processes nobody is told that it is restored.
   */
  constructor(
    max: number,
    current: (pid: number) => Process | undefined,
    wants: (event: KernelEvent) => boolean,
    picture: boolean,
  ) {
    assert(max > 0, 'a queue holds something');
    this.#max = max;
    this.#current = current;
    this.#wants = wants;
    this.#whole = picture;
  }

  /** Notes a change of the picture that the consumer may not get to know. */
  changed(pid: number, before: Process | undefined, after: Process | undefined): void {
    const believed = this.#full()?.believed;
    if (believed === undefined) return;
    if (!believed.has(pid)) believed.set(pid, before);
    // Who came and went meanwhile need not be remembered.
    else if (after === undefined && believed.get(pid) === undefined) believed.delete(pid);
  }

  /** Takes an event of the kernel's, or one that stands for it. */
  push(event: KernelEvent): void {
    if (!this.#wants(event)) return;
    const debt = this.#full();
    if (debt === undefined) {
      this.#queue.push(event);
      return;
    }
    this.refused += 1;
    owe(debt, 'consumer', 1);
  }

  /** Takes a loss; one that directly follows another of its cause is added to it. */
  lost(cause: LossCause, count: number | undefined, timeMs: number): void {
    this.#whole = false;
    const debt = this.#full();
    if (debt !== undefined) {
      owe(debt, cause, count);
      return;
    }
    const last = this.#queue.peekBack();
    const merged = last?.kind === 'lost' && last.cause === cause;
    if (merged) this.#queue.pop();
    const before = merged ? last.count : 0;
    this.#queue.push({ kind: 'lost', timeMs, cause, count: sum(before, count) });
  }

  /** The picture is whole, which is told if it was not. */
  restored(timeMs: number): void {
    if (this.#whole) return;
    this.#whole = true;
    const debt = this.#full();
    if (debt === undefined) this.#queue.push({ kind: 'restored', timeMs });
    else debt.restored = true;
  }

  /** The next event; undefined if there is none now. */
  take(timeMs: number): ProcEvent | undefined {
    if (this.#queue.length === 0 && this.#debt !== undefined) this.#settle(this.#debt, timeMs);
    return this.#queue.shift();
  }

  get empty(): boolean {
    return this.#queue.length === 0 && this.#debt === undefined;
  }

  /** The debt, if there is one or has to be. */
  #full(): Debt | undefined {
    if (this.#debt === undefined && this.#queue.length >= this.#max) {
      this.#debt = { lost: new Map(), believed: new Map(), restored: false };
    }
    return this.#debt;
  }

  /** Queues what is owed, all at once: the queue is empty, and nothing may come in between. */
  #settle(debt: Debt, timeMs: number): void {
    this.#debt = undefined;
    for (const [cause, count] of debt.lost) {
      this.#queue.push({ kind: 'lost', timeMs, cause, count });
    }
    for (const [pid, before] of debt.believed) {
      for (const event of difference(pid, before, this.#current(pid), timeMs)) {
        if (this.#wants(event)) this.#queue.push(event);
      }
    }
    const told = debt.lost.size > 0 || debt.restored;
    if (told && this.#whole) this.#queue.push({ kind: 'restored', timeMs });
  }
}

function owe(debt: Debt, cause: LossCause, count: number | undefined): void {
  debt.lost.set(cause, sum(debt.lost.has(cause) ? debt.lost.get(cause) : 0, count));
}

function sum(left: number | undefined, right: number | undefined): number | undefined {
  return left === undefined || right === undefined ? undefined : left + right;
}
