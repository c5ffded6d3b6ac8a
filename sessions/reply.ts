import type { Settlement } from './call.ts';
import type { ErrorCode, Outcome } from '../core/errors.ts';
import type { Copies } from '../core/copies.ts';
import { LITTLE_ENDIAN, type Slab } from '../core/slab.ts';
import * as frame from '../transport/wire/frame.ts';

/** Here: V8 loads an imported constant, and tests it, at each use. */
const NATIVE = LITTLE_ENDIAN;
const {
  STATUS_UNIMPLEMENTED, STATUS_BUSY, STATUS_EXPIRED, STATUS_CLOSED, STATUS_MALFORMED,
  STATUS_EVICTED, REPLY_HEADER, REPLY_STATUS, STATUS_ACCEPTED, REPLY_COUNT_LENGTH, REPLY_FORMAT,
  FORMAT_MASK, STATUS_OK, STATUS_APPLICATION, REPLY_AFTER_PIECES,
} = frame;

/** What a failed reply means at the caller (docs/PROTOCOL.md §6). */
const failures: Readonly<Record<number, { code: ErrorCode; outcome: Outcome; message: string }>> = {
  [STATUS_UNIMPLEMENTED]: {
    code: 'unimplemented',
    outcome: 'not-executed',
    message: 'the peer serves no such method',
  },
  [STATUS_BUSY]: {
    code: 'busy',
    outcome: 'not-executed',
    message: 'the peer has too many requests',
  },
  [STATUS_EXPIRED]: {
    code: 'deadline-exceeded',
    outcome: 'not-executed',
    message: 'expired before its turn came',
  },
  [STATUS_CLOSED]: {
    code: 'closed',
    outcome: 'not-executed',
    message: 'the peer takes no more calls',
  },
  [STATUS_MALFORMED]: {
    code: 'malformed',
    outcome: 'not-executed',
    message: 'the peer cannot read the payload',
  },
  [STATUS_EVICTED]: {
    code: 'reply-evicted',
    outcome: 'executed',
    message: 'it ran, but its reply is gone',
  },
};

/** How a call ends whose value in pieces turns out not to be there. */
export const unreadable: Settlement = {
  ok: false,
  code: 'malformed',
  outcome: 'executed',
  message: 'unreadable reply',
};

/**
 * How many pieces go before the REPLY whose payload is at `at`, modulo 2^32; undefined: none.
 */
export function piecesBefore(slab: Slab, at: number): number | undefined {
  if (!goesAfterPieces(slab, at)) return undefined;
  return slab.view.getUint32(at + REPLY_HEADER, NATIVE);
}

/** False if another reply follows: a message in a channel was accepted and is still to run. */
export function isLast(slab: Slab, at: number): boolean {
  if (goesAfterPieces(slab, at)) return true;
  return slab.view.getUint8(at + REPLY_STATUS) !== STATUS_ACCEPTED;
}

/**
 * Reads how the REPLY whose payload, header included, is slab[at, end) settles its call; checked to
 * be whole. What it carries is copied, because the slab is the transport's.
 */
export function readSettlement(copies: Copies, slab: Slab, at: number, end: number): Settlement {
  const count = goesAfterPieces(slab, at) ? REPLY_COUNT_LENGTH : 0;
  const valueAt = at + REPLY_HEADER + count;
  const status = slab.view.getUint8(at + REPLY_STATUS);
  const format = slab.view.getUint8(at + REPLY_FORMAT) & FORMAT_MASK;
  const payload = copies.of(slab.bytes, valueAt, end);
  if (status === STATUS_OK || status === STATUS_ACCEPTED) {
    return { ok: true, format, payload };
  }
  const failure = failures[status];
  if (failure !== undefined) return { ok: false, ...failure };
  // STATUS_APPLICATION, or a status of a later version: that it ran is all there is to know.
  const message = status === STATUS_APPLICATION ? applicationMessage(payload) : 'failed';
  return { ok: false, code: 'application', outcome: 'executed', message };
}

function goesAfterPieces(slab: Slab, at: number): boolean {
  return (slab.view.getUint8(at + REPLY_FORMAT) & REPLY_AFTER_PIECES) !== 0;
}

/** The message of an error thrown by a handler: JSON `{message}`, from a peer, so anything. */
function applicationMessage(payload: Uint8Array): string {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(payload));
    if (typeof value === 'object' && value !== null && 'message' in value) {
      return String(value.message);
    }
  } catch {
    // Falls through: a peer may send anything.
  }
  return 'the handler failed';
}
