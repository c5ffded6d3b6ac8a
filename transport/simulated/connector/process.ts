import { ConnectorError, required } from '../../../core/errors.ts';
import type { Credentials } from '../../transport.ts';
import { SOCK_DGRAM, SOCK_RAW } from './abi.ts';
import { errnos } from './errno.ts';
import type { Family } from './family.ts';
import type { Machine } from './machine.ts';
import { SimulatedSocket } from './socket.ts';

/** RLIMIT_NOFILE: more sockets at a time are EMFILE. */
const SOCKETS_MAX = 65_536;

/** Describes a process to be. */
export interface ProcessOptions {
  /** By default the next one; it is what an unbound socket is bound to first. */
  readonly pid?: number;
  /** 0, root, by default. */
  readonly uid?: number;
  readonly gid?: number;
  /** CAP_NET_ADMIN in its network namespace; by default what root has. */
  readonly netAdmin?: boolean;
  /** The connector exists only in network namespace 0, the default (KF §8.8). */
  readonly netns?: number;
  /** In the first pid and user namespaces, which is what cn_proc listens to; true by default. */
  readonly initNamespaces?: boolean;
  /** Which CPU it runs on; 0 by default. */
  readonly cpu?: number;
}

/** A user process of a simulated kernel: who calls, and with what rights. */
export class SimulatedProcess {
  /** The kernel that it runs on. */
  readonly machine: Machine;
  readonly pid: number;
  readonly credentials: Credentials;
  readonly netAdmin: boolean;
  readonly netns: number;
  readonly initNamespaces: boolean;
  /** Set it to move the process (sched_setaffinity). */
  cpu: number;
  readonly #family: (protocol: number, netns: number) => Family | undefined;
  readonly #sockets = new Set<SimulatedSocket>();
  #hangs = 0;

  constructor(
    machine: Machine,
    pid: number,
    options: ProcessOptions,
    family: (protocol: number, netns: number) => Family | undefined,
  ) {
    const { uid = 0, gid = uid, netns = 0, initNamespaces = true, cpu = 0 } = options;
    required(Number.isInteger(pid) && pid > 0, 'a pid is a whole number from 1');
    this.machine = machine;
    this.pid = pid;
    this.credentials = { pid, uid, gid };
    this.netAdmin = options.netAdmin ?? uid === 0;
    this.netns = netns;
    this.initNamespaces = initNamespaces;
    this.cpu = cpu;
    this.#family = family;
  }

  /**
   * socket(AF_NETLINK, type, protocol), non-blocking. Gives it, or -ESOCKTNOSUPPORT,
   * -EPROTONOSUPPORT, -EMFILE.
   */
  socket(type: number, protocol: number): SimulatedSocket | number {
    this.requireRunning();
    if (type !== SOCK_RAW && type !== SOCK_DGRAM) return -errnos.ESOCKTNOSUPPORT;
    const family = this.#family(protocol, this.netns);
    if (family === undefined) return -errnos.EPROTONOSUPPORT;
    if (this.#sockets.size >= SOCKETS_MAX) return -errnos.EMFILE;
    const socket = new SimulatedSocket(family, this, () => this.#sockets.delete(socket));
    this.#sockets.add(socket);
    return socket;
  }

  /** Ends it as a crash does: no IGNORE is sent, what was queued is gone. */
  exit(): void {
    this.#hangs = 0;
    for (const socket of [...this.#sockets]) socket.close();
  }

  /**
   * True while it sits in sendto because an agent inside waits for room in a queue. If the queue is
   * its own that is for ever: neither O_NONBLOCK nor a time-out helps (semantics 25).
   */
  get hung(): boolean {
    return this.#hangs > 0;
  }

  /** Throws `busy` while it hangs: a process in a system call makes no other. */
  requireRunning(): void {
    if (!this.hung) return;
    throw new ConnectorError('busy', `process ${this.pid} hangs in sendto; only exit() ends that`);
  }

  /** For the kernel: it waits in its system call. */
  hang(): void {
    this.#hangs += 1;
  }

  /** For the kernel: what it waited for has happened. */
  resume(): void {
    if (this.#hangs === 0) return;
    this.#hangs -= 1;
    if (this.#hangs === 0) for (const socket of this.#sockets) socket.wake();
  }
}
