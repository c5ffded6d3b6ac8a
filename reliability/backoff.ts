import type { Random } from '../core/random.ts';

/** Shapes a back-off. */
export interface BackoffOptions {
  /** The wait before the first retry, ms. */
  readonly baseMs: number;
  /** What each further wait is multiplied by. */
  readonly factor: number;
  /** The longest wait, ms. */
  readonly maxMs: number;
}

/**
 * How long to wait before retry number `attempt` (from 0): exponential, within a quarter of jitter
 * either way, so that peers that failed together do not come back together.
 */
export function backoffMs(options: BackoffOptions, attempt: number, random: Random): number {
  const { baseMs, factor, maxMs } = options;
  const wait = Math.min(baseMs * factor ** attempt, maxMs);
  return wait * (0.75 + 0.5 * (random.u32() / 0x1_0000_0000));
}
