import type { Client, Deed, Sent } from './contestant.ts';

/** What can be measured of a client. `down` and `up` are streams, `both` is one of each. */
export type Task = 'echo' | 'oneWay' | 'mixed' | 'down' | 'up' | 'both';

/** What one measurement is of. */
export interface Load {
  readonly task: Task;
  /** Bytes of a payload, or of a stream's value. */
  readonly size: number;
  /** Things done at the same time. Streams are one each way, whatever it says. */
  readonly inFlight: number;
  readonly ms: number;
  /** Of so many the latency of one is taken; 8 by default. */
  readonly every?: number;
}

/** What came of it: how many calls or messages, or MiB of a stream. */
export interface Score {
  readonly done: number;
  readonly perSecond: number;
  /** Latencies, ms; undefined where nobody took them. */
  readonly p50: number | undefined;
  readonly p99: number | undefined;
  readonly p999?: number | undefined;
  /** During the measurement. */
  readonly sent?: Sent;
}

const MIB = 2 ** 20;

/** Does what the load says for as long as it says. */
export async function measure(client: Client, load: Load): Promise<Score> {
  await client.begin?.();
  try {
    const { task } = load;
    const streams = task === 'down' || task === 'up' || task === 'both';
    const before = await client.sent?.();
    const work = streams ? measureStreams(client, load) : measureDeeds(client[task]!, load);
    const score = await work;
    const after = await client.sent?.();
    return before && after ? { ...score, sent: between(before, after) } : score;
  } finally {
    await client.end?.();
  }
}

/** Keeps so many in flight, each with a promise of its own. */
async function measureDeeds(deed: Deed, load: Load): Promise<Score> {
  const { size, inFlight, ms, every = 8 } = load;
  const payload = new Uint8Array(size).fill(7);
  const samples: number[] = [];
  let done = 0;
  let stop = false;
  const worker = async (): Promise<void> => {
    while (!stop) {
      const sampled = done % every === 0;
      const began = sampled ? performance.now() : 0;
      await deed(payload);
      done += 1;
      if (sampled) samples.push(performance.now() - began);
    }
  };
  const began = performance.now();
  setTimeout(() => {
    stop = true;
  }, ms);
  await Promise.all(Array.from({ length: inFlight }, worker));
  const perSecond = (done * 1000) / (performance.now() - began);
  samples.sort((left, right) => left - right);
  const at = (share: number): number | undefined => samples[Math.floor(samples.length * share)];
  return { done, perSecond, p50: at(0.5), p99: at(0.99), p999: at(0.999) };
}

/** Counts the bytes that were taken: by us of what comes, by the peer of what goes. */
async function measureStreams(client: Client, { task, size, ms }: Load): Promise<Score> {
  const value = new Uint8Array(size).fill(7);
  let bytes = 0;
  const began = performance.now();
  const over = (): boolean => performance.now() - began >= ms;
  const take = async (): Promise<void> => {
    for await (const { length } of client.down!(size)) {
      bytes += length;
      if (over()) break;
    }
  };
  async function* give(): AsyncGenerator<Uint8Array> {
    for (; !over(); bytes += size) yield value;
  }
  await Promise.all([
    task === 'up' ? undefined : take(),
    task === 'down' ? undefined : client.up!(give()),
  ]);
  const done = bytes / MIB;
  const perSecond = (done * 1000) / (performance.now() - began);
  return { done, perSecond, p50: undefined, p99: undefined };
}

function between(before: Sent, after: Sent): Sent {
  return {
    transmissions: after.transmissions - before.transmissions,
    datagrams: after.datagrams - before.datagrams,
    drops: after.drops - before.drops,
  };
}
