/** Where the two sides of a contestant meet; each takes what it has use for. */
export interface Place {
  /** A Unix socket's path. */
  readonly path: string;
  /** A TCP port of this machine. */
  readonly port: number;
  /** A netlink portid. */
  readonly portid: number;
  /** The build of connector-rpc to be measured: the URL of its folder, with a slash at its end. */
  readonly build: string;
}

/** Makes one call; resolves with the echo. */
export type Echo = (payload: Uint8Array) => Promise<unknown>;

/** A way to make an echo call between two processes: a module of these two functions. */
export interface Contestant {
  readonly serve: (place: Place) => Promise<void>;
  readonly connect: (place: Place) => Promise<Echo>;
}

/** What one measurement is of. */
export interface Load {
  /** Bytes of payload, each way. */
  readonly size: number;
  readonly inFlight: number;
  readonly ms: number;
}

/** What came of it. Latencies are of every eighth call, ms. */
export interface Score {
  readonly calls: number;
  readonly callsPerSecond: number;
  readonly p50: number | undefined;
  readonly p99: number | undefined;
}

const SAMPLED = 8;

/** Keeps so many calls in flight for so long, each with a promise of its own. */
export async function measure(echo: Echo, load: Load): Promise<Score> {
  const payload = new Uint8Array(load.size).fill(7);
  const samples: number[] = [];
  let calls = 0;
  let stop = false;
  const worker = async (): Promise<void> => {
    while (!stop) {
      const sampled = calls % SAMPLED === 0;
      const began = sampled ? performance.now() : 0;
      await echo(payload);
      calls += 1;
      if (sampled) samples.push(performance.now() - began);
    }
  };
  const began = performance.now();
  setTimeout(() => {
    stop = true;
  }, load.ms);
  await Promise.all(Array.from({ length: load.inFlight }, worker));
  const callsPerSecond = (calls * 1000) / (performance.now() - began);
  samples.sort((left, right) => left - right);
  const at = (share: number): number | undefined => samples[Math.floor(samples.length * share)];
  return { calls, callsPerSecond, p50: at(0.5), p99: at(0.99) };
}
