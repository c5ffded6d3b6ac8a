import type { KernelEvent } from './event.ts';

/**
 * What to ask for: kinds of events, and `nonzero-exit`, the exits with a bad end. Numbers are those
 * of linux/cn_proc.h (KF §7.1).
 */
export const procKinds = {
  fork: 0x1,
  exec: 0x2,
  uid: 0x4,
  gid: 0x40,
  sid: 0x80,
  ptrace: 0x100,
  comm: 0x200,
  'nonzero-exit': 0x2000_0000,
  coredump: 0x4000_0000,
  exit: 0x8000_0000,
} as const;

/** Names what can be asked for. */
export type ProcKind = keyof typeof procKinds;

/** Every kind; the kernel treats a socket that asks for exactly this as one without filter. */
export const ALL_KINDS = 0xe000_03c7;

/** What a picture of the living processes is made of. */
const PICTURE = (procKinds.fork | procKinds.exec | procKinds.exit) >>> 0;

/** What is wanted of the kernel, and what of that the consumer is to see. */
export interface Selection {
  /** The bits for the kernel's filter. */
  readonly mask: number;
  /** Whether the kernel's reports will be enough to keep a picture of the living processes. */
  readonly picture: boolean;
  wants(event: KernelEvent): boolean;
}

/**
 * Chooses what to ask the kernel for. Who wants forks, execs or exits gets a picture that is
 * repaired after losses, and that takes all three: the surplus is left out on our side. Who wants
 * neither saves them altogether, but then a loss can only be counted.
 */
export function select(kinds: readonly ProcKind[] | undefined): Selection {
  if (kinds === undefined) return { mask: ALL_KINDS, picture: true, wants: () => true };
  const wanted = new Set<string>(kinds);
  let mask = 0;
  for (const kind of kinds) mask |= procKinds[kind];
  const picture = (mask & PICTURE) !== 0;
  if (picture) mask = (mask | PICTURE) & ~procKinds['nonzero-exit'];
  return {
    mask: picture && coversAll(mask) ? ALL_KINDS : mask >>> 0,
    picture,
    wants: (event) => wanted.has(event.kind) || (wanted.has('nonzero-exit') && endedBadly(event)),
  };
}

/** The filter bit for bad ends says nothing that the one for all ends does not. */
function coversAll(mask: number): boolean {
  return (mask | procKinds['nonzero-exit']) >>> 0 === ALL_KINDS;
}

/** How a recovered exit ended is unknown: it may have ended badly. */
function endedBadly(event: KernelEvent): boolean {
  return event.kind === 'exit' && event.code !== 0;
}
