import type { Parcel } from '../parcel.ts';
import { errnos } from './errno.ts';
import type { Gfp, Machine } from './machine.ts';
import type { NetlinkSock } from './netlink-sock.ts';
import type { SimulatedProcess } from './process.ts';

/** Both families have so many, and none can be added (KF §5). */
export const GROUPS = 32;

/** What is special about one netlink family. */
export interface FamilyRules {
  /** The kernel's own socket, portid 0; without it nobody answers there. */
  readonly input?: (parcel: Parcel, sender: NetlinkSock) => void;
  /** Whether a process may send to other portids, and to groups. */
  maySend(process: SimulatedProcess, group: number): boolean;
  /** Whether a process may deal with memberships at all. */
  mayJoin(process: SimulatedProcess): boolean;
  /** The family's `bind` hook: whether it may join this group. */
  mayBind(process: SimulatedProcess, group: number): boolean;
  /** Its `release` hook. */
  released(sock: NetlinkSock): void;
}

/** Keeps a broadcast from one member: true is "not to this one" (cn_filter_fn). */
export type Filter = (member: NetlinkSock) => boolean;

/** One netlink family in one network namespace: who is bound, who is a member, who gets what. */
export class Family {
  readonly protocol: number;
  readonly machine: Machine;
  readonly rules: FamilyRules;
  readonly #bound = new Map<number, NetlinkSock>();
  /** Newest first, as in the kernel's list. Who is in no group is not in it. */
  #members: NetlinkSock[] = [];

  constructor(protocol: number, machine: Machine, rules: FamilyRules) {
    this.protocol = protocol;
    this.machine = machine;
    this.rules = rules;
  }

  /** All bound sockets. */
  sockets(): Iterable<NetlinkSock> {
    return this.#bound.values();
  }

  /** Binds an unbound socket; gives 0 or -EADDRINUSE. */
  insert(sock: NetlinkSock, portid: number): number {
    // The kernel, too, leaves a refused portid in the socket: getsockname shows it.
    sock.portid = portid;
    if (this.#bound.has(portid)) return -errnos.EADDRINUSE;
    this.#bound.set(portid, sock);
    sock.bound = true;
    return 0;
  }

  /** Binds to the process id if that is free, else to a random number above 2^31 (KF §8.1). */
  autobind(sock: NetlinkSock): void {
    let portid = sock.process.pid;
    while (this.#bound.has(portid)) {
      portid = this.machine.portids.integer(0x8000_0000, 0xffff_efff);
    }
    this.insert(sock, portid);
  }

  /** Sets which groups a socket is a member of. */
  subscribe(sock: NetlinkSock, groups: number): void {
    if (sock.groups === 0 && groups !== 0) this.#members.unshift(sock);
    if (sock.groups !== 0 && groups === 0) this.#unlist(sock);
    sock.groups = groups >>> 0;
  }

  remove(sock: NetlinkSock): void {
    this.rules.released(sock);
    if (sock.bound) this.#bound.delete(sock.portid);
    this.#unlist(sock);
  }

  hasListeners(group: number): boolean {
    return this.#members.some((sock) => sock.isMember(group));
  }

  /**
   * Takes a parcel to a portid: netlink_unicast. Gives the length or minus an error number. A
   * sender that may wait finds room sooner or later, so that is a success, too.
   */
  unicast(parcel: Parcel, portid: number, sender: NetlinkSock | undefined, waits: boolean): number {
    const { length } = parcel;
    if (portid === 0) {
      if (this.rules.input === undefined || sender === undefined) return -errnos.ECONNREFUSED;
      this.rules.input(parcel, sender);
      return length;
    }
    const receiver = this.#bound.get(portid);
    const from = sender?.portid ?? 0;
    // Who is connected hears its peer only (KF §8.7).
    if (receiver === undefined || (receiver.destination?.portid ?? from) !== from) {
      return -errnos.ECONNREFUSED;
    }
    if (receiver.queue.accepts(parcel.charge)) {
      receiver.deliver(parcel);
      return length;
    }
    if (waits) {
      receiver.park(parcel, this.machine.running);
      return length;
    }
    if (sender === undefined) receiver.overrun(); // a process's unicast is not counted (KF §6.2)
    return -errnos.EAGAIN;
  }

  /**
   * Takes a copy of a parcel to each member of its group but the sender and the holder of the
   * portid `skip`: netlink_broadcast. Gives 0 if one of them accepted it, else -ESRCH; -ENOBUFS if
   * one with NETLINK_BROADCAST_ERROR did not (KF §2.1).
   */
  broadcast(
    parcel: Parcel,
    skip: number,
    sender: NetlinkSock | undefined,
    gfp: Gfp,
    filter?: Filter,
  ): number {
    // A process's datagram goes on to a unicast, so each member needs a clone. The kernel's own
    // goes to the first member itself, and to the others as clones.
    let cloned = sender !== undefined;
    let held = false; // a clone that one member had no room for serves the next
    let failed = false;
    let [delivered, refused] = [false, false];
    for (const member of this.#members) {
      if (member === sender || member.portid === skip || !member.isMember(parcel.group)) continue;
      if (!failed && !held) held = !cloned || this.machine.allocates(gfp);
      failed ||= !held; // no memory for one: all who come after it lose, too (KF §6.5 #4)
      if (!failed && filter?.(member) === true) {
        held = false;
      } else if (!failed && member.queue.accepts(parcel.charge)) {
        const copy = this.machine.pool.clone(parcel);
        copy.charge = parcel.charge;
        member.deliver(copy);
        delivered = true;
        held = false;
        cloned = true;
      } else {
        member.overrun();
        refused ||= member.broadcastError;
      }
    }
    if (refused) return -errnos.ENOBUFS;
    return delivered ? 0 : -errnos.ESRCH;
  }

  #unlist(sock: NetlinkSock): void {
    this.#members = this.#members.filter((member) => member !== sock);
  }
}
