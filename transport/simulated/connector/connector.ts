import { formatId, type ConnectorId } from '../../../core/id.ts';
import type { Credentials } from '../../transport.ts';
import { truesize } from '../../truesize.ts';
import { PARCEL_START, type Parcel } from '../parcel.ts';
import { errnos } from './errno.ts';
import type { Family, Filter } from './family.ts';
import type { Gfp, Machine } from './machine.ts';
import { packMessages, parseRequest, type CnMsg, type OutgoingCnMsg } from './message.ts';
import type { NetlinkSock } from './netlink-sock.ts';
import { NotificationList } from './notification.ts';
import { WorkQueue } from './work-queue.ts';

/** What an agent is told of a message's sender: `struct netlink_skb_parms`. */
export interface NetlinkSkbParms {
  readonly portid: number;
  /** The group it was sent to as well; 0 for none. */
  readonly dst_group: number;
  readonly creds: Credentials;
  /** CAP_NET_ADMIN, which an agent of the work-queue days had to look up here (KF §2.3). */
  readonly netAdmin: boolean;
  /** For agents that keep state by socket, as cn_proc does. */
  readonly sk: NetlinkSock;
}

/** An agent: in the 2005 text `void (*callback) (void *)`, its argument a cn_msg. */
export type CnCallback = (msg: CnMsg, nsp: NetlinkSkbParms) => void;

/** CN_CBQ_NAMELEN, without the NUL. */
const NAME_MAX = 31;

interface Entry {
  readonly id: ConnectorId;
  readonly name: string;
  readonly callback: CnCallback;
  readonly group: number;
  /** Its own work item is queued; more of them have to be allocated. */
  pending: boolean;
}

/**
 * The in-kernel side of the 2005 text, with the names, the order of checks and the return codes of
 * the kernel's C functions (KF §2.1): 0 or a length is success, anything below 0 an error number.
 */
export class Connector {
  readonly #machine: Machine;
  /** The family in the first network namespace; undefined until cn_init. */
  readonly #family: () => Family | undefined;
  readonly #entries = new Map<string, Entry>();
  readonly #work: WorkQueue;
  readonly #notifications: NotificationList;

  constructor(machine: Machine, family: () => Family | undefined) {
    this.#machine = machine;
    this.#family = family;
    this.#work = new WorkQueue(machine.clock);
    this.#notifications = new NotificationList(machine.release.notification === 'shipped');
  }

  /**
   * Registers an agent. Gives 0; -EAGAIN before cn_init; -ENOMEM; -EINVAL if the id is taken.
   * The name is cut to 31 characters; the group becomes id.idx, be there such a group or not.
   */
  cn_add_callback(id: ConnectorId, name: string, callback: CnCallback): number {
    if (this.#family() === undefined) return -errnos.EAGAIN;
    if (!this.#machine.allocates('GFP_KERNEL')) return -errnos.ENOMEM;
    const key = formatId(id);
    if (this.#entries.has(key)) return -errnos.EINVAL;
    const entry = { id, name: name.slice(0, NAME_MAX), callback, group: id.idx, pending: false };
    this.#entries.set(key, entry);
    this.#notify(id, 'on');
    return 0;
  }

  /** Unregisters an agent. An unknown id is no error, and is notified of all the same (KF §4). */
  cn_del_callback(id: ConnectorId): void {
    // On the work queue its callback still runs for what was sent before.
    this.#work.flush();
    this.#entries.delete(formatId(id));
    this.#notify(id, 'off');
  }

  /** Sends one message; see `cn_netlink_send_mult`. */
  cn_netlink_send(msg: OutgoingCnMsg, portid: number, group: number, gfp: Gfp): number {
    return this.cn_netlink_send_mult([msg], portid, group, gfp);
  }

  /**
   * Sends messages in one datagram: to a group, if one is given, and then not to `portid`; else to
   * `portid`; with neither to the group of whoever registered the first message's id. Gives
   * -ENODEV (no such id), -ESRCH (nobody listens, or nobody had room), -ENOMEM, -EMSGSIZE,
   * -ENOBUFS (a listener with NETLINK_BROADCAST_ERROR lost it); 0 for a group; for a portid the
   * length, -ECONNREFUSED or -EAGAIN.
   *
   * With GFP_KERNEL a unicast into a full queue waits for room, and with it the process in whose
   * system call the agent runs.
   */
  cn_netlink_send_mult(
    messages: readonly OutgoingCnMsg[],
    portid: number,
    group: number,
    gfp: Gfp,
    filter?: Filter,
  ): number {
    let to = group;
    if (portid === 0 && group === 0) {
      const entry = messages[0] && this.#entries.get(formatId(messages[0].id));
      if (entry === undefined) return -errnos.ENODEV;
      to = entry.group;
    }
    const family = this.#family();
    if (family === undefined || (portid === 0 && !family.hasListeners(to))) return -errnos.ESRCH;
    if (!this.#machine.allocates(gfp)) return -errnos.ENOMEM;
    const parcel = this.#parcel(messages, to);
    if (parcel === undefined) return -errnos.EMSGSIZE;
    if (to !== 0) return family.broadcast(parcel, portid, undefined, gfp, filter);
    return family.unicast(parcel, portid, undefined, gfp === 'GFP_KERNEL');
  }

  /** The lines of /proc/net/connector. */
  callbacks(): readonly { readonly name: string; readonly id: ConnectorId }[] {
    return [...this.#entries.values()].map(({ name, id }) => ({ name, id }));
  }

  /** For the kernel's socket: cn_rx_skb. What is malformed or unknown ends here, silently. */
  input(parcel: Parcel, sk: NetlinkSock): void {
    const { release } = this.#machine;
    const msg = parseRequest(parcel.slab, PARCEL_START, parcel.length, release);
    const entry = msg && this.#entries.get(formatId(msg.id));
    if (msg === undefined || entry === undefined) return;
    const { credentials: creds, netAdmin } = sk.process;
    const nsp = { portid: sk.portid, dst_group: parcel.group, creds, netAdmin, sk };
    if (release.dispatch === 'synchronous') entry.callback(msg, nsp);
    else this.#queue(entry, msg, nsp);
  }

  /** The message is lost if a second item for the same agent cannot be had (KF §6.5 #15). */
  #queue(entry: Entry, msg: CnMsg, nsp: NetlinkSkbParms): void {
    const own = !entry.pending;
    if (!own && !this.#machine.allocates('GFP_ATOMIC')) return;
    if (own) entry.pending = true;
    const taken = this.#work.push(() => {
      if (own) entry.pending = false;
      entry.callback(msg, nsp);
    });
    if (!taken && own) entry.pending = false;
  }

  #parcel(messages: readonly OutgoingCnMsg[], group: number): Parcel | undefined {
    const slab = packMessages(messages, this.#machine.release.padded);
    if (slab === undefined) return undefined;
    const parcel = this.#machine.pool.take(slab, 0, slab.bytes.length);
    parcel.from = 0;
    parcel.group = group;
    parcel.credentials = { pid: 0, uid: 0, gid: 0 };
    parcel.charge = truesize(slab.bytes.length, false);
    return parcel;
  }

  /** For cn_init: the connector registers itself, to be asked for notifications. */
  listenForNotifications(): void {
    if (this.#machine.release.notification === 'absent') return;
    const id = { idx: 0xffff_ffff, val: 0xffff_ffff };
    this.cn_add_callback(id, 'connector', (msg) => {
      if (this.#machine.allocates('GFP_KERNEL')) this.#notifications.request(msg);
    });
  }

  #notify(id: ConnectorId, event: 'on' | 'off'): void {
    for (const group of this.#notifications.groups(id)) {
      const msg = { id, seq: 0, ack: event === 'on' ? 0 : 1 };
      this.cn_netlink_send(msg, 0, group, 'GFP_KERNEL');
    }
  }
}
