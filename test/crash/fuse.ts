import type { Fuse as FusePlan, Point } from './plan.ts';

/** Kills its own process at a chosen point of its work. */
export class Fuse {
  readonly #point: Point | undefined;
  #left: number;

  constructor(plan: FusePlan | undefined) {
    this.#point = plan?.point;
    this.#left = plan?.count ?? Infinity;
  }

  /** Marks a point of the work that has been reached; does not return if it was the one. */
  reach(point: Point): void {
    if (point !== this.#point) return;
    this.#left -= 1;
    if (this.#left === 0) process.kill(process.pid, 'SIGKILL');
  }

  /** Marks the points that the caller reaches when it has returned. */
  leave(): void {
    if (this.#point === 'reactions') queueMicrotask(() => this.reach('reactions'));
    if (this.#point === 'sent') setImmediate(() => this.reach('sent'));
  }
}
