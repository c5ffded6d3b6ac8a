import type { Clock } from '../../../core/clock.ts';
import { required } from '../../../core/errors.ts';
import { SeededRandom } from '../../../core/random.ts';
import { Memory, type MemoryOption } from '../memory.ts';
import { NETLINK_CONNECTOR, NETLINK_USERSOCK } from './abi.ts';
import { Connector } from './connector.ts';
import { Family, type FamilyRules } from './family.ts';
import { Machine, type BufferLimits } from './machine.ts';
import { ProcConnector } from './proc.ts';
import { SimulatedProcess, type ProcessOptions } from './process.ts';
import { releases, type Release, type ReleaseName } from './release.ts';

export * from './abi.ts';
export { errnos } from './errno.ts';
export { openSimulatedNetlink } from './transport.ts';
export type { CnCallback, Connector, NetlinkSkbParms } from './connector.ts';
export type { BufferLimits, Gfp } from './machine.ts';
export type { CnMsg, OutgoingCnMsg } from './message.ts';
export type { ProcConnector } from './proc.ts';
export type { ProcEvent, Task } from './proc-event.ts';
export type { ProcessOptions, SimulatedProcess } from './process.ts';
export type { Release, ReleaseName } from './release.ts';
export type { Received, SimulatedSocket, SockaddrNl } from './socket.ts';
export type { SimulatedNetlink, SimulatedNetlinkOptions } from './transport.ts';

/** Shapes a simulated kernel. */
export interface KernelOptions extends Partial<Release> {
  /** Usually a `VirtualClock`; then the same seed and program give the same history. */
  readonly clock: Clock;
  /** Which kernel it behaves like; single points of it can be named beside. `6.18` by default. */
  readonly release?: ReleaseName;
  /** What all chance comes from; 1 by default. */
  readonly seed?: number;
  readonly memory?: MemoryOption;
  /** 2 by default. */
  readonly cpus?: number;
  /** sysctl net.core.[rw]mem_*; by default 212992, and 4194304 at most. */
  readonly buffers?: Partial<BufferLimits>;
  /** False: the connector comes up only with `cn_init`; true by default. */
  readonly connector?: boolean;
  /** CONFIG_PROC_EVENTS; true by default. */
  readonly processEvents?: boolean;
}

/** One line of /proc/net/netlink; the kernel lists bound sockets only. */
export interface NetlinkRow {
  readonly protocol: number;
  readonly portid: number;
  readonly groups: number;
  readonly rmem: number;
  readonly drops: number;
}

const BUFFERS: BufferLimits = {
  receiveDefault: 212_992,
  receiveMax: 4_194_304,
  sendDefault: 212_992,
  sendMax: 4_194_304,
};

/** So many of each network namespace's families are kept. */
const NETNS_MAX = 1024;

/**
 * A simulated kernel with netlink and the connector in it, as measured and read (KF §1 - §8, §10):
 * agents register with `connector`, processes talk to them through sockets.
 */
export class SimulatedKernel {
  /** The in-kernel API of the 2005 text. */
  readonly connector: Connector;
  /** cn_proc. */
  readonly proc: ProcConnector;
  readonly #machine: Machine;
  readonly #families = new Map<string, Family>();
  readonly #processEvents: boolean;
  #initialised = false;
  #lastPid = 1000;

  constructor(options: KernelOptions) {
    const { clock, release = '6.18', seed = 1, memory = 'none', cpus = 2 } = options;
    required(Object.hasOwn(releases, release), `no kernel ${String(release)} is known`);
    required(Number.isInteger(cpus) && cpus >= 1, 'cpus is a whole number from 1');
    const random = new SeededRandom(seed).fork('kernel');
    this.#machine = new Machine(
      clock,
      resolveRelease(releases[release], options),
      { ...BUFFERS, ...options.buffers },
      new Memory(memory, clock.now(), random.fork('memory')),
      random,
    );
    this.connector = new Connector(this.#machine, () => this.#family(NETLINK_CONNECTOR, 0));
    this.proc = new ProcConnector(this.#machine, this.connector, cpus);
    this.#processEvents = options.processEvents ?? true;
    if (options.connector ?? true) this.cn_init();
  }

  /** Brings the connector up; before that its family does not exist and agents get -EAGAIN. */
  cn_init(): void {
    if (this.#initialised) return;
    this.#initialised = true;
    this.connector.listenForNotifications();
    if (this.#processEvents) this.proc.register();
  }

  /** Starts a process. */
  process(options: ProcessOptions = {}): SimulatedProcess {
    const pid = options.pid ?? (this.#lastPid += 1);
    const family = (protocol: number, netns: number): Family | undefined =>
      this.#family(protocol, netns);
    return new SimulatedProcess(this.#machine, pid, options, family);
  }

  /** /proc/net/netlink of a network namespace. */
  procNetNetlink(netns = 0): NetlinkRow[] {
    const families = [NETLINK_USERSOCK, NETLINK_CONNECTOR].map((protocol) =>
      this.#family(protocol, netns),
    );
    return families.flatMap((family) =>
      [...(family?.sockets() ?? [])].map(({ portid, groups, queue }) => {
        const { charge: rmem, drops } = queue;
        return { protocol: family!.protocol, portid, groups, rmem, drops };
      }),
    );
  }

  #family(protocol: number, netns: number): Family | undefined {
    if (protocol !== NETLINK_USERSOCK && protocol !== NETLINK_CONNECTOR) return undefined;
    if (protocol === NETLINK_CONNECTOR && !this.#initialised) return undefined;
    const key = `${netns}/${protocol}`;
    let family = this.#families.get(key);
    if (family === undefined) {
      required(this.#families.size < 2 * NETNS_MAX, `at most ${NETNS_MAX} network namespaces`);
      family = new Family(protocol, this.#machine, this.#rules(protocol, netns));
      this.#families.set(key, family);
    }
    return family;
  }

  /** KF §1.5, §8.2, §8.3, §8.8. */
  #rules(protocol: number, netns: number): FamilyRules {
    const { joins, freeUnicast } = this.#machine.release;
    if (protocol === NETLINK_USERSOCK) {
      return {
        maySend: () => true,
        mayJoin: ({ netAdmin }) => netAdmin,
        mayBind: () => true,
        released: () => {},
      };
    }
    return {
      ...(netns === 0 && { input: (parcel, sender) => this.connector.input(parcel, sender) }),
      maySend: ({ netAdmin }, group) => netAdmin || (freeUnicast && group === 0),
      mayJoin: ({ netAdmin }) => netAdmin || joins === 'odd-groups',
      // cn_bind means to test for group 1, and tests the lowest bit of the group's number.
      mayBind: ({ netAdmin }, group) => netAdmin || group % 2 === 1,
      released: (sock) => {
        sock.procInput = undefined; // and nobody counts its LISTEN back (KF §7.4)
      },
    };
  }
}

function resolveRelease(known: Release, overrides: Partial<Release>): Release {
  const entries = Object.keys(known).map((name) => {
    const key = name as keyof Release;
    return [key, overrides[key] ?? known[key]];
  });
  return Object.fromEntries(entries) as Release;
}
