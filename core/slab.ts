/** Up to here a loop over words is ahead of `TypedArray.set`, which costs 60 ns to call. */
const LOOP_MAX = 256;

/**
 * A block of memory seen as bytes and through a `DataView` at once. Transports keep one slab for a
 * whole receive batch, so that a datagram costs no allocation: it is named by (slab, start, end).
 */
export class Slab {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  #words: Uint32Array | undefined;

  constructor(source: number | Uint8Array) {
    this.bytes = typeof source === 'number' ? new Uint8Array(source) : source;
    this.view = new DataView(this.bytes.buffer, this.bytes.byteOffset, this.bytes.byteLength);
  }

  /** The same in words; for slabs that were made by their length, a multiple of 4. */
  get words(): Uint32Array {
    this.#words ??= new Uint32Array(this.bytes.buffer, 0, this.bytes.length >>> 2);
    return this.#words;
  }

  /**
   * Copies source[from, from + length) to `at`. All three are multiples of 4, and both slabs were
   * made by their lengths.
   */
  copy(at: number, source: Slab, from: number, length: number): void {
    if (length > LOOP_MAX) {
      this.bytes.set(source.bytes.subarray(from, from + length), at);
      return;
    }
    const { words } = this;
    const others = source.words;
    const end = (from + length) >>> 2;
    for (let index = from >>> 2, to = at >>> 2; index < end; index++, to++) {
      words[to] = others[index]!;
    }
  }
}

/**
 * Netlink speaks the byte order of the machine (KF §1.1). Every codec passes this to `DataView`,
 * which V8 then compiles to a plain load or store.
 */
export const LITTLE_ENDIAN: boolean = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

/** Rounds a length up to the 4 bytes that netlink aligns everything to. */
export function align4(length: number): number {
  return (length + 3) & ~3;
}
