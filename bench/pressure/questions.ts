import type { CellOptions } from './cell.ts';

/** Where the two ends are. */
export interface Ground {
  readonly name: string;
  /** The time on the wire, both ways together. */
  readonly roundTripMs: number;
}

/** One value of what a question varies. */
export interface Step {
  readonly label: string;
  readonly options: (ground: Ground) => Omit<CellOptions, 'inFlight' | 'calls' | 'seed'>;
}

/** What is asked: how calls fare as one thing gets worse. */
export interface Question {
  readonly name: string;
  /** What the steps vary, with its unit. */
  readonly varies: string;
  readonly steps: readonly Step[];
}

export const grounds: readonly Ground[] = [
  { name: 'one machine', roundTripMs: 0 },
  { name: 'a network, 1 ms there and back', roundTripMs: 1 },
];

export const inFlights: readonly number[] = [1, 64, 1024];

/** The stated speed of the reader: so long after each request it reads nothing more. */
export const WORK_MS = 0.005;

/** Short of memory from the first moment to the last: no spells. */
const ALWAYS = { ampleMs: 1e-6, shortMs: 1e12 } as const;

/** Allocations that fail, a share of all. */
const memory: Question = {
  name: 'memory',
  varies: 'allocations that fail, %',
  steps: [0, 1, 5, 10, 20, 30, 40, 50].map((percent) => ({
    label: String(percent),
    options: ({ roundTripMs }) => {
      const share = percent / 100;
      // On one machine only the sender allocates, and is told (ENOBUFS, KF §1.4); what comes in
      // from a network needs memory at once, and nobody is told.
      const fails = roundTripMs === 0 ? { kernel: share, atomic: 0 } : { kernel: 0, atomic: share };
      return { roundTripMs, workMs: WORK_MS, memory: { ...ALWAYS, ...fails } };
    },
  })),
};

/** The kernel's default, net.core.rmem_default. */
const DEFAULT_BUFFER = 212_992;
const KIB = 1024;

const buffer: Question = {
  name: 'buffer',
  varies: 'receive buffer, bytes of truesize',
  steps: [2304, 4608, 16 * KIB, 64 * KIB, DEFAULT_BUFFER, 1024 * KIB, 4096 * KIB].map(
    (receiveBuffer) => ({
      label: sizeText(receiveBuffer),
      options: ({ roundTripMs }) => ({ roundTripMs, workMs: WORK_MS, receiveBuffer }),
    }),
  ),
};

const loss: Question = {
  name: 'loss',
  varies: 'datagrams lost, %',
  steps: [0, 1, 5, 10, 20].map((percent) => ({
    label: String(percent),
    options: ({ roundTripMs }) => ({ roundTripMs, workMs: WORK_MS, loss: percent / 100 }),
  })),
};

export const questions: readonly Question[] = [memory, buffer, loss];

/** Shows a size: whole KiB and MiB by their names. */
export function sizeText(bytes: number): string {
  if (bytes % (KIB * KIB) === 0) return `${bytes / KIB / KIB} MiB`;
  return bytes % (16 * KIB) === 0 && bytes < DEFAULT_BUFFER ? `${bytes / KIB} KiB` : String(bytes);
}
