import { cpus, loadavg, release, totalmem } from 'node:os';

/** Where and when something was measured. */
export interface MachineFacts {
  readonly at: string;
  readonly node: string;
  readonly kernel: string;
  readonly processor: string;
  readonly processors: number;
  readonly memoryGiB: number;
  /** Load averages over one minute; everything above what the benchmark makes is others' work. */
  readonly loadBefore: number;
  readonly loadAfter: number;
}

/** Reads what there is to know of this machine, before something is measured on it. */
export function machineFacts(): MachineFacts {
  const processors = cpus();
  const [load = NaN] = loadavg();
  return {
    at: new Date().toISOString(),
    node: process.version,
    kernel: release(),
    processor: processors[0]?.model ?? 'unknown',
    processors: processors.length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    loadBefore: load,
    loadAfter: load,
  };
}

/** Adds the load after the measurement. */
export function afterwards(before: MachineFacts): MachineFacts {
  const [loadAfter = NaN] = loadavg();
  return { ...before, loadAfter };
}
