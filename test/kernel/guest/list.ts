/** A program of tests in the guest: a file of this folder, run by itself. */
export interface GuestTest {
  /** Its name without the ending. */
  readonly file: string;
  /** It is killed when it takes longer. */
  readonly seconds: number;
  /**
   * One of the kernels is enough, the first or the last: what it shows lies in this project, not in
   * the kernel, and the whole run is to take less than 5 minutes.
   */
  readonly only?: 'first' | 'last';
}

/** Reads what the kernel logged meanwhile, so it has to be the last. */
const log: GuestTest = { file: 'log', seconds: 30 };

const programs: readonly GuestTest[] = [
  { file: 'devices', seconds: 60 },
  { file: 'rules', seconds: 60 },
  { file: 'memory', seconds: 60 },
  { file: 'blocking', seconds: 120 },
  { file: 'overrun', seconds: 200 },
  { file: 'allocations', seconds: 300 },
  { file: 'faults', seconds: 600 },
  { file: 'forgetful', seconds: 600, only: 'first' },
  { file: 'w1', seconds: 120 },
  { file: 'dm-log', seconds: 300 },
  { file: 'proc', seconds: 300 },
  { file: 'cli-proc', seconds: 200, only: 'last' },
  { file: 'driver', seconds: 60 },
];

/** All that runs in the guest, in this order. */
export const guestTests: readonly GuestTest[] = [...programs, log];
