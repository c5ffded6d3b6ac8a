import type { Parcel } from './parcel.ts';

/**
 * A netlink socket's receive queue: bounded by truesize, with the congestion state machine of
 * KF §6.2. Tested step by step against the time line measured there.
 */
export class ReceiveQueue {
  /** What it may hold, as SO_RCVBUF after the kernel's doubling. */
  readonly limit: number;
  readonly #noEnobufs: boolean;
  #first: Parcel | undefined;
  #last: Parcel | undefined;
  #charge = 0;
  #drops = 0;
  #congested = false;
  #error = false;

  constructor(limit: number, noEnobufs: boolean) {
    this.limit = limit;
    this.#noEnobufs = noEnobufs;
  }

  /** All datagrams ever refused or lost here; the kernel's counter never goes back (KF §6.4). */
  get drops(): number {
    return this.#drops;
  }

  /** Whether a read would give something, be it the error (POLLIN, POLLERR). */
  get readable(): boolean {
    return this.#error || this.#first !== undefined;
  }

  /** Whether an overrun is yet to be told of; the error comes before the survivors (KF §6.2). */
  get error(): boolean {
    return this.#error;
  }

  /** KF §6.1, kernel 6.16 and later: an empty queue takes anything, a congested one nothing. */
  accepts(charge: number): boolean {
    if (this.#congested) return false;
    return this.#charge === 0 || this.#charge + charge <= this.limit;
  }

  /** Appends a parcel that `accepts` let in. */
  push(parcel: Parcel): void {
    this.#charge += parcel.charge;
    if (this.#last === undefined) this.#first = parcel;
    else this.#last.next = parcel;
    this.#last = parcel;
  }

  /** Counts a loss; without NETLINK_NO_ENOBUFS the socket goes deaf until it is drained. */
  overrun(): void {
    this.#drops += 1;
    if (this.#noEnobufs || this.#congested) return;
    this.#congested = true;
    this.#error = true;
  }

  /** One recvmsg: the error, else the oldest parcel, else undefined (EAGAIN). */
  take(): Parcel | 'overrun' | undefined {
    const error = this.#error;
    this.#error = false;
    const parcel = error ? undefined : this.#first;
    if (parcel !== undefined) {
      this.#charge -= parcel.charge;
      this.#first = parcel.next;
      if (this.#first === undefined) this.#last = undefined;
      parcel.next = undefined;
    }
    // Any receive call that ends with an empty queue ends the congestion, whatever it gave.
    if (this.#first === undefined) this.#congested = false;
    return error ? 'overrun' : parcel;
  }
}
