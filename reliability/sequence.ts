/**
 * 32-bit serial numbers (RFC 1982): they wrap, so order means order on a circle, and two numbers
 * half the circle apart have none.
 */

/** Signed distance from `from` to `to`, in -2^31 … 2^31 - 1. */
export function seqDistance(from: number, to: number): number {
  return (to - from) | 0;
}

/** The number `steps` after `seq`. */
export function seqPlus(seq: number, steps: number): number {
  return (seq + steps) >>> 0;
}

/**
 * Widens the low 32 bits of a counter that never wraps (datagram numbers, exact up to 2^53) to the
 * whole number nearest to `near`. May be negative for nonsense; callers check the range.
 */
export function widen(low: number, near: number): number {
  return near + seqDistance(near >>> 0, low);
}
