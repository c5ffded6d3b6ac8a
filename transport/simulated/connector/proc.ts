import { required } from '../../../core/errors.ts';
import { LITTLE_ENDIAN, Slab } from '../../../core/slab.ts';
import type { Connector, NetlinkSkbParms } from './connector.ts';
import { errnos } from './errno.ts';
import type { Filter } from './family.ts';
import type { Machine } from './machine.ts';
import type { CnMsg } from './message.ts';
import type { NetlinkSock } from './netlink-sock.ts';
import { encodeProcAck, encodeProcEvent, procEventBits, type ProcEvent } from './proc-event.ts';

/** cn_proc's id; its group is 1, too. */
const CN_PROC = { idx: 1, val: 1 };
const LISTEN = 1;
const IGNORE = 2;
/** PROC_EVENT_ALL: every bit that a filter may have (KF §7.2). */
const ALL = 0xe000_03c7;

/** The in-kernel agent that tells of processes, with its counters and its faults (KF §7). */
export class ProcConnector {
  readonly #machine: Machine;
  readonly #connector: Connector;
  /** The next seq of each CPU. */
  readonly #seqs: Uint32Array;
  #listeners = 0;

  constructor(machine: Machine, connector: Connector, cpus: number) {
    this.#machine = machine;
    this.#connector = connector;
    this.#seqs = new Uint32Array(cpus);
  }

  /**
   * proc_event_num_listeners, of the whole machine: it may be less than 0, and counts listeners
   * that are gone (KF §7.4).
   */
  get listeners(): number {
    return this.#listeners;
  }

  /** For cn_init. */
  register(): void {
    this.#connector.cn_add_callback(CN_PROC, 'cn_proc', (msg, nsp) => this.#control(msg, nsp));
  }

  /**
   * Tells of an event on a CPU. Without a listener nothing happens and no seq is used; with one the
   * seq is used even if the message is lost (KF §6.5 #3, #6).
   */
  emit(event: ProcEvent, cpu = 0): void {
    required(cpu >= 0 && cpu < this.#seqs.length, `there is no CPU ${cpu}`);
    if (this.#listeners < 1) return;
    const nonzero = event.what === 'exit' && event.code !== 0;
    const data = encodeProcEvent(event, cpu, this.#machine.clock.now());
    this.#send(this.#next(cpu), 0, data, (member) =>
      this.#filters(member, procEventBits[event.what], nonzero),
    );
  }

  #control(msg: CnMsg, nsp: NetlinkSkbParms): void {
    const { proc } = this.#machine.release;
    const { process } = nsp.sk;
    const request = parse(msg, proc === '6.6');
    if (request === undefined) return;
    if (proc !== '2.6.15' && !process.initNamespaces) return;
    const { operation, events } = request;
    let error = operation === LISTEN || operation === IGNORE ? 0 : errnos.EINVAL;
    if ((proc === '4.2' || proc === '4.9') && !process.netAdmin) error = errnos.EPERM;
    else if (proc === '6.6') this.#countBySocket(nsp.sk, operation, events);
    else if (error === 0) this.#listeners += operation === LISTEN ? 1 : -1;
    this.#acknowledge(msg, error, process.cpu);
  }

  /** Since 6.6: a bad operation is stored as the socket's state, too, and so can be left. */
  #countBySocket(sk: NetlinkSock, operation: number, events: number): void {
    const before = sk.procInput?.operation;
    sk.procInput = { operation, events: operation === IGNORE ? procEventBits.none : events };
    if (operation === LISTEN && before !== LISTEN) this.#listeners += 1;
    if (operation === IGNORE && before !== undefined && before !== IGNORE) this.#listeners -= 1;
  }

  /** A multicast, so every listener sees it, except those with a filter (KF §7.3). */
  #acknowledge(msg: CnMsg, error: number, cpu: number): void {
    if (this.#listeners < 1) return;
    const now = this.#machine.clock.now();
    const { proc } = this.#machine.release;
    const ack = (msg.ack + 1) >>> 0;
    // Since 4.8 the common path writes its own seq and CPU over the ones meant (KF §3).
    const counted = proc === '4.9' || proc === '6.6';
    const data = encodeProcAck(error, counted ? cpu : -1, now);
    this.#send(counted ? this.#next(cpu) : msg.seq, ack, data, (member) =>
      this.#filters(member, procEventBits.none, false),
    );
  }

  #send(seq: number, ack: number, data: Uint8Array, filter: Filter): void {
    const msg = { id: CN_PROC, seq, ack, data };
    const filtered = this.#machine.release.proc === '6.6' ? filter : undefined;
    this.#connector.cn_netlink_send_mult([msg], 0, CN_PROC.idx, 'GFP_NOWAIT', filtered);
  }

  #next(cpu: number): number {
    const seq = this.#seqs[cpu]!;
    this.#seqs[cpu] = seq + 1;
    return seq;
  }

  /**
   * A member that never asked has no filter; one that IGNOREs asks for no bit; acknowledgements
   * have no bit to be asked for.
   */
  #filters(member: NetlinkSock, what: number, nonzeroExit: boolean): boolean {
    const input = member.procInput;
    if (input === undefined) return false;
    if (input.events === ALL) return false;
    if ((input.events & procEventBits.nonzeroExit) !== 0 && nonzeroExit) return false;
    return (input.events & what) === 0;
  }
}

/** `u32 op`, or since 6.6 `struct proc_input`; any other length is ignored (KF §7.2). */
function parse(
  { len, data }: CnMsg,
  filters: boolean,
): { readonly operation: number; readonly events: number } | undefined {
  if (data.length < len || (len !== 4 && !(filters && len === 8))) return undefined;
  const { view } = new Slab(data);
  const wanted = len === 8 ? (view.getUint32(4, LITTLE_ENDIAN) & ALL) >>> 0 : ALL;
  const operation = view.getUint32(0, LITTLE_ENDIAN);
  return { operation, events: wanted === 0 ? ALL : wanted };
}
