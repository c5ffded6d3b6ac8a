import { METHOD_LENGTH_MAX } from './encode.ts';
import { required } from '../core/errors.ts';

/** Names remembered each way; a program has few methods, a hostile peer any number. */
const REMEMBERED = 16;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

interface Name {
  readonly text: string;
  readonly bytes: Uint8Array;
}

/**
 * Methods' names as text and as bytes. The last few are remembered: most calls name the method that
 * another named just before, and to compare costs a tenth of what to convert does.
 */
export class MethodNames {
  /** Apart: what is no UTF-8 reads as text that does not write back to the same. */
  readonly #written: Name[] = [];
  readonly #read: Name[] = [];

  /** The bytes of a name, not to be changed. Throws `invalid-argument` if it is too long. */
  encode(text: string): Uint8Array {
    for (const name of this.#written) if (name.text === text) return name.bytes;
    const bytes = encoder.encode(text);
    const longest = `a method's name has ${METHOD_LENGTH_MAX} bytes at most`;
    required(bytes.length <= METHOD_LENGTH_MAX, longest);
    remember(this.#written, { text, bytes });
    return bytes;
  }

  /** The name that bytes[from, to) stand for. */
  decode(bytes: Uint8Array, from: number, to: number): string {
    for (const name of this.#read) if (equal(name.bytes, bytes, from, to)) return name.text;
    const own = bytes.slice(from, to);
    const text = decoder.decode(own);
    remember(this.#read, { text, bytes: own });
    return text;
  }
}

function remember(names: Name[], name: Name): void {
  if (names.length === REMEMBERED) names.shift();
  names.push(name);
}

function equal(known: Uint8Array, bytes: Uint8Array, from: number, to: number): boolean {
  if (known.length !== to - from) return false;
  for (let at = 0; at < known.length; at++) if (known[at] !== bytes[from + at]) return false;
  return true;
}
