/**
 * Throws when one of our own invariants is broken. Never used on bytes from a peer: those yield a
 * typed reason instead (docs/PROTOCOL.md, "Hostile bytes").
 */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(`connector-rpc invariant broken: ${message}`);
}

/** Ends a `switch` over a closed union; reaching it is our bug. */
export function unreachable(value: never): never {
  throw new Error(`connector-rpc invariant broken: unreachable case ${String(value)}`);
}
