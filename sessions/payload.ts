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
  return { format: formatOf(value), bytes: bytesOf(value) };
}

/** The format that `writePayload` gives. Calls ask for each alone: no object for both. */
export function formatOf(value: unknown): number {
  if (value instanceof Uint8Array) return FORMAT_BYTES;
  return value === undefined ? FORMAT_NONE : FORMAT_JSON;
}

/** The bytes that `writePayload` gives. Throws as it does. */
export function bytesOf(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return plain(value);
  return value === undefined ? EMPTY : encoder.encode(jsonOf(value));
}

function jsonOf(value: unknown): string {
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
  return text;
}

/** What is read where nothing can be. */
export const UNREADABLE: unique symbol = Symbol('unreadable');

/**
 * Reads what `writePayload` wrote; `UNREADABLE` if it cannot: the bytes are a peer's and may be
 * anything. Bytes are handed over as they are. Never throws.
 */
export function readPayload(format: number, bytes: Uint8Array): unknown {
  switch (format) {
    case FORMAT_BYTES:
      return bytes;
    case FORMAT_NONE:
      return undefined;
    case FORMAT_JSON:
      try {
        return JSON.parse(decoder.decode(bytes)) as unknown;
      } catch {
        return UNREADABLE;
      }
    default:
      return UNREADABLE;
  }
}
