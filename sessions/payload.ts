import { plain } from '../core/copies.ts';
import { ConnectorError } from '../core/errors.ts';
import { FORMAT_BYTES, FORMAT_JSON, FORMAT_NONE } from '../transport/wire/frame.ts';

/** A value as it travels. */
export interface Payload {
  readonly format: number;
  readonly bytes: Uint8Array;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });
const EMPTY = new Uint8Array(0);

/**
 * Writes a value: a `Uint8Array` travels as its bytes, `undefined` as nothing, all else as JSON.
 * Throws `invalid-argument` for what JSON cannot say (functions, symbols, cycles, bigints).
 */
export function writePayload(value: unknown): Payload {
  if (value instanceof Uint8Array) return { format: FORMAT_BYTES, bytes: plain(value) };
  if (value === undefined) return { format: FORMAT_NONE, bytes: EMPTY };
  let text: string | undefined;
  let cause: unknown;
  try {
    text = JSON.stringify(value);
  } catch (error) {
    cause = error;
  }
  if (text === undefined) {
    throw new ConnectorError('invalid-argument', 'the value cannot be written as JSON', {
      outcome: 'not-sent',
      cause,
    });
  }
  return { format: FORMAT_JSON, bytes: encoder.encode(text) };
}

/** What was read, or that it cannot be: the bytes are a peer's and may be anything. */
export type ReadPayload = { readonly ok: true; readonly value: unknown } | { readonly ok: false };

/** Reads what `writePayload` wrote. Bytes are handed over as they are. Never throws. */
export function readPayload(format: number, bytes: Uint8Array): ReadPayload {
  switch (format) {
    case FORMAT_BYTES:
      return { ok: true, value: bytes };
    case FORMAT_NONE:
      return { ok: true, value: undefined };
    case FORMAT_JSON:
      try {
        return { ok: true, value: JSON.parse(decoder.decode(bytes)) as unknown };
      } catch {
        return { ok: false };
      }
    default:
      return { ok: false };
  }
}
