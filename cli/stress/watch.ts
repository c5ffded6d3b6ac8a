import { Failure } from '../misuse.ts';

/** Sees a run from outside: how far it is, and whether to stop. */
export interface Watch {
  /** Told now and then how many calls have been started. */
  readonly progress: (started: number) => void;
  /** Whether anybody looks at the progress. */
  readonly watched: boolean;
  readonly interruption: AbortSignal;
}

/** How often progress is told of, ms. */
export const PROGRESS_MS = 100;

/** Gives what `run` gives. Where the signal aborts first, calls `stop` and rejects at the end. */
export async function interruptible<T>(
  run: () => Promise<T>,
  signal: AbortSignal,
  stop: () => void,
): Promise<T> {
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop, { once: true });
  try {
    const result = await run();
    if (!signal.aborted) return result;
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    signal.removeEventListener('abort', stop);
  }
  throw new Failure('cancelled', 'interrupted before the end');
}
