import type { RoundTrip } from './rtt.ts';

/** Fruitless probes before the probe interval grows, and by how much (semantics 15). */
const PATIENT_PROBES = 2;
const PROBE_BACKOFF = 1.25;
/** Up to so many times itself, or so long, if that is more: a peer started anew is noticed soon. */
const PROBE_GROWTH_MAX = 8;
const PROBE_MAX_MS = 10;
/** On a lossless transport a probe only finds out whether the peer lives: it can wait. */
const LOSSLESS_PATIENCE = 8;

/** Says what a probe is to wait for. */
export interface ProbeOptions {
  /** Only replies are outstanding. */
  readonly repliesOnly: boolean;
  /** Probes since the last acknowledgement. */
  readonly probes: number;
  /** What was sent is lost only with its receiver. */
  readonly lossless: boolean;
}

/** How long after the last sending a probe is due, ms (docs/PROTOCOL.md P5.8). */
export function probeWaitMs(roundTrip: RoundTrip, options: ProbeOptions): number {
  const { repliesOnly, probes, lossless } = options;
  const { probeMs, smoothedMs } = roundTrip;
  // Who waits for a reply asks for it. Its sender gives the question a round trip to come: what
  // told that the reply had come may have been lost just as well; the next request tells then.
  const askMs = repliesOnly && probes === 0 ? probeMs + smoothedMs : probeMs;
  const waitMs = lossless ? askMs * LOSSLESS_PATIENCE : askMs;
  const fruitless = Math.max(0, probes - PATIENT_PROBES);
  const mostMs = Math.max(waitMs * PROBE_GROWTH_MAX, PROBE_MAX_MS);
  return Math.min(waitMs * PROBE_BACKOFF ** fruitless, mostMs);
}
