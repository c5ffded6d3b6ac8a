import { Slab } from '../../core/slab.ts';
import type { Credentials, Peer } from '../transport.ts';

/**
 * Where a datagram begins in its slab. Never 0, as on a real transport that keeps one slab for a
 * batch: a reader that forgets `start` shall fail here already.
 */
export const PARCEL_START = 16;

const SMALLEST_ORDER = 8; // 256 bytes
/** More idle slabs of one size than this are left to the garbage collector. */
const IDLE_MAX = 4096;

/** One datagram on its way or in a queue, with its own copy of the bytes. */
export class Parcel {
  readonly slab: Slab;
  /** The size class: the slab holds 2^order bytes after PARCEL_START. */
  readonly order: number;
  length = 0;
  from: Peer = 0;
  /** Left alone where the parcel's path knows it. */
  to: Peer = 0;
  /** 0 for unicast. */
  group = 0;
  credentials: Credentials | undefined;
  /** What the receive queue is charged. */
  charge = 0;
  /** The number that its link gave it; 0 for a second copy, -1 for one that is to be damaged. */
  number = 0;
  arrivesAt = 0;
  /** Breaks ties of `arrivesAt`, in the order of sending. */
  turn = 0;
  /** The next one in a receive queue. */
  next: Parcel | undefined;

  constructor(order: number) {
    this.slab = new Slab(PARCEL_START + 2 ** order);
    this.order = order;
  }
}

/** Lends parcels and takes them back, so that a datagram costs a copy and no allocation. */
export class ParcelPool {
  readonly #idle: Parcel[][] = [];

  /** Copies the bytes into a parcel; the caller fills in the rest. */
  take(slab: Slab, start: number, end: number): Parcel {
    const length = end - start;
    const order = Math.max(SMALLEST_ORDER, 32 - Math.clz32(length - 1));
    const parcel = this.#idle[order]?.pop() ?? new Parcel(order);
    parcel.length = length;
    parcel.slab.bytes.set(slab.bytes.subarray(start, end), PARCEL_START);
    return parcel;
  }

  /** A second parcel with the same bytes and addresses. */
  clone(parcel: Parcel): Parcel {
    const copy = this.take(parcel.slab, PARCEL_START, PARCEL_START + parcel.length);
    copy.from = parcel.from;
    copy.to = parcel.to;
    copy.group = parcel.group;
    copy.credentials = parcel.credentials;
    return copy;
  }

  /** Takes a parcel back. Its bytes will be overwritten by the next user. */
  give(parcel: Parcel): void {
    parcel.credentials = undefined;
    const idle = (this.#idle[parcel.order] ??= []);
    if (idle.length < IDLE_MAX) idle.push(parcel);
  }
}
