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
const PICTURE = procKinds.fork | procKinds.exec | procKinds.exit;

/** What is wanted of the kernel, and what of that the consumer is to see. */
export interface Selection {
  /** The bits for the kernel's filter. */
  readonly mask: number;
  /** Whether a picture of the living processes is kept, and mended after losses. */
  readonly picture: boolean;
  wants(event: KernelEvent): boolean;
}

/**
 * Chooses what to ask the kernel for. Who wants forks, execs or exits, and losses of them repaired,
 * needs a picture of who lives, and that takes all three. Then the kernel is not asked to leave out
 * the few others either: a socket with a filter sees neither answers nor which numbers are missing
 * (KF §7.3), so losses for want of memory would pass unnoticed. For everything else it filters.
 */
export function select(kinds: readonly ProcKind[] | undefined, repair: boolean): Selection {
  let bits = 0;
  for (const kind of kinds ?? []) bits |= procKinds[kind];
  const mask = kinds === undefined ? ALL_KINDS : bits >>> 0;
  const picture = repair && (mask & PICTURE) !== 0;
  if (kinds === undefined) return { mask, picture, wants: () => true };
  const wanted = new Set<string>(kinds);
  return {
    mask: picture || coversAll(mask) ? ALL_KINDS : mask,
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
