/**
 * A block of memory seen as bytes and through a `DataView` at once. Transports keep one slab for a
 * whole receive batch, so that a datagram costs no allocation: it is named by (slab, start, end).
 */
export class Slab {
  readonly bytes: Uint8Array;
  readonly view: DataView;

  constructor(source: number | Uint8Array) {
    this.bytes = typeof source === 'number' ? new Uint8Array(source) : source;
    this.view = new DataView(this.bytes.buffer, this.bytes.byteOffset, this.bytes.byteLength);
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
