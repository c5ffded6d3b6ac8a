import type { Parcel } from './parcel.ts';

/**
 * A netlink socket's receive queue: bounded by truesize, with the congestion state machine of
 * KF §6.2. Tested step by step against the time line measured there.
 */
export class ReceiveQueue {
  /** What it may hold, as SO_RCVBUF after the kernel's doubling. */
  limit: number;
  readonly #overshoots: boolean;
  #noEnobufs: boolean;
  #first: Parcel | undefined;
  #last: Parcel | undefined;
  #charge = 0;
  #drops = 0;
  #congested = false;
  #error = false;

  /** `overshoots`: the rule of kernels before 6.16, see `accepts`. */
  constructor(limit: number, noEnobufs: boolean, overshoots = false) {
    this.limit = limit;
    this.#noEnobufs = noEnobufs;
    this.#overshoots = overshoots;
  }

  /** NETLINK_NO_ENOBUFS. Setting it ends a congestion, but not an error that waits (KF §6.3). */
  get noEnobufs(): boolean {
    return this.#noEnobufs;
  }

  set noEnobufs(on: boolean) {
    this.#noEnobufs = on;
    if (on) this.#congested = false;
  }

  /** All datagrams ever refused or lost here; the kernel's counter never goes back (KF §6.4). */
  get drops(): number {
    return this.#drops;
  }

  /** What is charged now: the sum of the truesizes in the queue. */
  get charge(): number {
    return this.#charge;
  }

  /** Whether no datagram waits (no POLLIN), be there an error or not. */
  get empty(): boolean {
    return this.#first === undefined;
  }

  /** Whether a read would give something, be it the error (POLLIN, POLLERR). */
  get readable(): boolean {
    return this.#error || this.#first !== undefined;
  }

  /** Whether an overrun is yet to be told of; the error comes before the survivors (KF §6.2). */
  get error(): boolean {
    return this.#error;
  }

  /**
   * KF §6.1, kernel 6.16 and later: an empty queue takes anything, a congested one nothing. Earlier
   * ones look only at what is there already, so the last datagram may pass the limit.
   */
  accepts(charge: number): boolean {
    if (this.#congested) return false;
    if (this.#overshoots) return this.#charge <= this.limit;
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
    const error = this.takeError();
    const parcel = error ? undefined : this.#first;
    if (parcel !== undefined) {
      this.#charge -= parcel.charge;
      this.#first = parcel.next;
      if (this.#first === undefined) this.#last = undefined;
      parcel.next = undefined;
    }
    this.#read();
    return error ? 'overrun' : parcel;
  }

  /** One recvmsg with MSG_PEEK: takes the error, but leaves the parcel where it is. */
  peek(): Parcel | 'overrun' | undefined {
    const error = this.takeError();
    this.#read();
    return error ? 'overrun' : this.#first;
  }

  /** getsockopt(SO_ERROR): takes the error alone, and the socket stays as deaf as it was. */
  takeError(): boolean {
    const error = this.#error;
    this.#error = false;
    return error;
  }

  /** Any receive call that ends with an empty queue ends the congestion, whatever it gave. */
  #read(): void {
    if (this.#first === undefined) this.#congested = false;
  }
}
