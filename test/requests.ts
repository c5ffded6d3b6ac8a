import type { Arena } from '../core/arena.ts';
import type { Limited, Outgoing } from '../reliability/outgoing.ts';
import { encodeRequest, type Identity } from '../sessions/encode.ts';

/** All that a REQUEST or SEND says. */
export interface RequestParts {
  readonly kind: number;
  readonly channel: number;
  readonly position: number;
  readonly method: Uint8Array;
  readonly format: number;
  readonly payload: Uint8Array;
  readonly call: Limited;
}

/** Encodes a request of which all is known at once. */
export function requestOf(arena: Arena, identity: Identity, parts: RequestParts): Outgoing {
  const { kind, channel, position, method, format, payload, call } = parts;
  const said = { method, format, bytes: payload };
  return encodeRequest(arena, identity, kind, { number: channel, position }, said, call);
}
