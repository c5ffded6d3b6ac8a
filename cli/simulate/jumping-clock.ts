import type { Clock, Timer } from '../../core/clock.ts';

/**
 * The clock of one endpoint, which jumps ahead as that of a machine does that was suspended: what
 * was to happen meanwhile is due at once. A monotonic clock never jumps back.
 */
export class JumpingClock implements Clock {
  readonly #base: Clock;
  readonly #armed = new Map<Timer, number>();
  #ahead = 0;

  constructor(base: Clock) {
    this.#base = base;
  }

  get grainMs(): number {
    return this.#base.grainMs;
  }

  now(): number {
    return this.#base.now() + this.#ahead;
  }

  /** Jumps ahead by so many ms. */
  jump(ms: number): void {
    this.#ahead += ms;
    for (const [timer, at] of [...this.#armed]) timer.arm(at - this.#ahead);
  }

  timer(fire: () => void): Timer {
    const inner = this.#base.timer(() => {
      this.#armed.delete(inner);
      fire();
    });
    return {
      arm: (at) => {
        this.#armed.set(inner, at);
        inner.arm(at - this.#ahead);
      },
      disarm: () => {
        this.#armed.delete(inner);
        inner.disarm();
      },
    };
  }
}
