import { isConnectorError, type Connection, type Outcome, type SeededRandom } from '../../index.ts';
import type { VirtualClock } from '../../index.ts';

/** One call of a load: when it was made, how long it took, how it ended. */
export interface Sample {
  readonly id: number;
  readonly madeAt: number;
  readonly tookMs: number;
  /** undefined: answered. */
  readonly failed: { readonly code: string; readonly outcome: Outcome | undefined } | undefined;
}

/** What a load consists of: calls at a rate that does not heed how they fare (an open loop). */
export interface LoadOptions {
  readonly clock: VirtualClock;
  readonly connections: readonly Connection[];
  /** Over all connections. */
  readonly perSecond: number;
  readonly forMs: number;
  /** Of each call; Infinity for none. */
  readonly timeoutMs: number;
  /** Poisson arrivals if given, else even ones. */
  readonly random?: SeededRandom;
  /** The payload's length, at least 4: it carries the number of the call. */
  readonly length?: number;
}

let ids = 0;

/** Offers a load; resolves when its time is over and all its calls are settled. */
export async function offer(options: LoadOptions): Promise<Sample[]> {
  const { clock, connections, perSecond, forMs, timeoutMs, random, length = 64 } = options;
  const samples: Sample[] = [];
  const open: Promise<void>[] = [];
  const call = async (connection: Connection): Promise<void> => {
    const id = (ids += 1);
    const payload = new Uint8Array(length);
    new DataView(payload.buffer).setUint32(0, id);
    const madeAt = clock.now();
    let failed: Sample['failed'];
    try {
      await connection.call('work', payload, { timeoutMs });
    } catch (error) {
      if (!isConnectorError(error)) throw error;
      failed = { code: error.code, outcome: error.outcome };
    }
    samples.push({ id, madeAt, tookMs: clock.now() - madeAt, failed });
  };
  const end = clock.now() + forMs;
  const meanMs = 1000 / perSecond;
  let at = clock.now();
  for (let turn = 0; ; turn++) {
    at += random === undefined ? meanMs : -Math.log(1 - random.fraction()) * meanMs;
    if (at >= end) break;
    await until(clock, at);
    open.push(call(connections[turn % connections.length]!));
  }
  await until(clock, end);
  const ended = Promise.all(open);
  await ended;
  return samples;
}

/** Resolves at a time. */
export function until(clock: VirtualClock, at: number): Promise<void> {
  return new Promise((resolve) => clock.at(at, resolve));
}

/** The value that a share of the values do not exceed. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((left, right) => left - right);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN;
}
