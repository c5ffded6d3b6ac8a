import type { ConnectorId } from '../core/id.ts';

/** Where the portids of well-known servers begin; they end at 0x7fffffff. */
const FIRST = 0x40000000;
const MASK = 0x3fffffff;

/**
 * The portid at which the user-space server of a connector id is found without asking anybody: a
 * 30-bit hash (MurmurHash3_x86_32 of the words idx and val, seed 0) placed in
 * 0x40000000..0x7fffffff. The kernel never hands these out by itself: it chooses process ids (at
 * most 2^22) or 0x80000000..0xffffefff (KF §8.1).
 *
 * It is a meeting point and not an identity. Any local user may bind any free portid before the
 * server does (KF §8.1, §8.4), and two ids can share one, at odds of 1 in 2^30 a pair. Check
 * `Source.credentials` before trusting what answers there.
 */
export function portidOf(id: ConnectorId): number {
  let hash = mixed(mixed(0, id.idx), id.val) ^ 8;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return FIRST + ((hash ^ (hash >>> 16)) & MASK);
}

function mixed(hash: number, word: number): number {
  let part = Math.imul(word, 0xcc9e2d51);
  part = Math.imul((part << 15) | (part >>> 17), 0x1b873593);
  const turned = hash ^ part;
  return (Math.imul((turned << 13) | (turned >>> 19), 5) + 0xe6546b64) | 0;
}
