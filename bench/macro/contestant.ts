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

/** What both sides sent, counted from their start. */
export interface Sent {
  /** Requests and replies, each transmission counted. */
  readonly transmissions: number;
  readonly datagrams: number;
  /** Datagrams lost at a full receive queue. */
  readonly drops: number;
}

/** A way to make an echo call between two processes: a module of these functions. */
export interface Contestant {
  readonly serve: (place: Place) => Promise<void>;
  readonly connect: (place: Place) => Promise<Echo>;
  /** Where it is known. */
  readonly sent?: () => Promise<Sent>;
}

/** What one measurement is of. */
export interface Load {
  /** Bytes of payload, each way. */
  readonly size: number;
  readonly inFlight: number;
  readonly ms: number;
  /** Of so many calls the latency of one is taken; 8 by default. */
  readonly every?: number;
}

/** What came of it. Latencies are ms. */
export interface Score {
  readonly calls: number;
  readonly callsPerSecond: number;
  readonly p50: number | undefined;
  readonly p99: number | undefined;
  readonly p999?: number | undefined;
  /** During the measurement. */
  readonly sent?: Sent;
}

/** Keeps so many calls in flight for so long, each with a promise of its own. */
export async function measure(echo: Echo, load: Load): Promise<Score> {
  const { every = 8 } = load;
  const payload = new Uint8Array(load.size).fill(7);
  const samples: number[] = [];
  let calls = 0;
  let stop = false;
  const worker = async (): Promise<void> => {
    while (!stop) {
      const sampled = calls % every === 0;
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
  return { calls, callsPerSecond, p50: at(0.5), p99: at(0.99), p999: at(0.999) };
}
