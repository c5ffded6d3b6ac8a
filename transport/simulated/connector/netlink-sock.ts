import { required } from '../../../core/errors.ts';
import type { Parcel } from '../parcel.ts';
import { ReceiveQueue } from '../receive-queue.ts';
import type { Family } from './family.ts';
import type { SimulatedProcess } from './process.ts';

/** Kernel threads that may wait for room in one queue. */
const WAITERS_MAX = 4096;

/** A kernel unicast that waits for room, and the process in whose system call it does. */
interface Waiter {
  readonly parcel: Parcel;
  readonly process: SimulatedProcess | undefined;
}

/** What cn_proc keeps of a socket: `struct proc_input` (KF §7.3). */
export interface ProcInput {
  operation: number;
  events: number;
}

/** The kernel's side of one user socket: `struct netlink_sock`. */
export class NetlinkSock {
  readonly family: Family;
  readonly process: SimulatedProcess;
  readonly queue: ReceiveQueue;
  portid = 0;
  bound = false;
  /** Bit g - 1 is group g. */
  groups = 0;
  /** Whether it ever dealt with groups: LIST_MEMBERSHIPS has nothing to tell before. */
  grouped = false;
  sendBuffer: number;
  broadcastError = false;
  passCredentials = false;
  packetInfo = false;
  /** Where sends without an address go; undefined: not connected, which is the kernel. */
  destination: { readonly portid: number; readonly group: number } | undefined;
  procInput: ProcInput | undefined;
  /** Called when there may be something to read. */
  watcher: (() => void) | undefined;
  #waiters: Waiter[] = [];

  constructor(family: Family, process: SimulatedProcess) {
    const { buffers, release } = family.machine;
    this.family = family;
    this.process = process;
    this.queue = new ReceiveQueue(buffers.receiveDefault, false, release.overshoots);
    this.sendBuffer = buffers.sendDefault;
  }

  isMember(group: number): boolean {
    return group >= 1 && group <= 32 && ((this.groups >>> (group - 1)) & 1) === 1;
  }

  /** Queues a parcel that `queue.accepts` let in. */
  deliver(parcel: Parcel): void {
    this.queue.push(parcel);
    this.watcher?.();
  }

  /** A datagram for it is lost, and counted. */
  overrun(): void {
    this.queue.overrun();
    this.watcher?.();
  }

  /**
   * A kernel thread waits here until there is room for its parcel. If it runs inside a process's
   * system call, that process hangs with it.
   */
  park(parcel: Parcel, process: SimulatedProcess | undefined): void {
    required(this.#waiters.length < WAITERS_MAX, 'no more than 4096 threads wait for one queue');
    this.#waiters.push({ parcel, process });
    process?.hang();
  }

  /** One recvmsg, then whoever waits for room has its turn. */
  receive(peek: boolean): Parcel | 'overrun' | undefined {
    const taken = peek ? this.queue.peek() : this.queue.take();
    this.admit();
    return taken;
  }

  /** Lets those in who wait for room, as far as there is some. */
  admit(): void {
    while (this.#waiters.length > 0 && this.queue.accepts(this.#waiters[0]!.parcel.charge)) {
      const { parcel, process } = this.#waiters.shift()!;
      this.deliver(parcel);
      process?.resume();
    }
  }

  /** Frees the portid. What is queued or waits to be is gone (KF §6.5 #12). */
  close(): void {
    this.family.remove(this);
    this.watcher = undefined;
    while (this.queue.readable) this.queue.take();
    for (const { process } of this.#waiters.splice(0)) process?.resume();
  }
}
