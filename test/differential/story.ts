import { readFileSync } from 'node:fs';
import { SeededRandom } from '../../core/random.ts';
import { VirtualClock } from '../../core/virtual-clock.ts';
import * as abi from '../../transport/simulated/connector/abi.ts';
import { SimulatedKernel } from '../../transport/simulated/connector/kernel.ts';
import { openKernelSocket } from './kernel-socket.ts';
import { drawOpening, drawOperation, SLOTS, type Operation, type Subject } from './operation.ts';
import { World, type Row } from './world.ts';

/** What a run compares, and with what rights it does. */
export interface Setting {
  readonly subject: Subject;
  /** CAP_NET_ADMIN over the network namespace that this process is in. */
  readonly netAdmin: boolean;
  /** In the first user namespace. */
  readonly initNamespaces: boolean;
  /** 0 is the first network namespace, the only one with the connector in it. */
  readonly netns: number;
}

/** Where the two kernels parted. */
export interface Difference {
  readonly seed: number;
  readonly step: number;
  readonly operation: Operation | 'rows';
  readonly real: string;
  readonly simulated: string;
}

const ROWS_EVERY = 25;
/** More than any queue of a story holds. */
const DRAIN_MAX = 100_000;

/**
 * Plays one story of drawn operations to both kernels, step by step, and drains all queues at its
 * end. Gives the number of operations, and the first difference.
 */
export function playStory(
  setting: Setting,
  seed: number,
  steps: number,
): { readonly operations: number; readonly difference: Difference | undefined } {
  const random = new SeededRandom(seed);
  const real = new World(openKernelSocket, readRows);
  const simulated = simulatedWorld(setting, seed);
  let count = 0;
  const compare = (operation: Operation): Difference | undefined => {
    count += 1;
    const results = [real.perform(operation), simulated.perform(operation)] as const;
    return differ(seed, count, operation, ...results);
  };
  try {
    for (const operation of drawOpening(random, setting.subject)) {
      const difference = compare(operation);
      if (difference !== undefined) return { operations: count, difference };
    }
    for (let step = 1; step <= steps; step++) {
      const difference = compare(drawOperation(random, setting.subject, step));
      if (difference !== undefined) return { operations: count, difference };
      if (step % ROWS_EVERY !== 0) continue;
      const rows = differ(seed, count, 'rows', real.rows(), simulated.rows());
      if (rows !== undefined) return { operations: count, difference: rows };
    }
    const difference = drain(real, simulated, compare, seed);
    return { operations: count, difference };
  } finally {
    real.end();
    simulated.end();
  }
}

function drain(
  real: World,
  simulated: World,
  compare: (operation: Operation) => Difference | undefined,
  seed: number,
): Difference | undefined {
  for (let slot = 0; slot < SLOTS; slot++) {
    for (let count = 0; count < DRAIN_MAX; count++) {
      const operation = { slot, call: 'recv', length: 256 * 1024, flags: 0 } as const;
      const difference = compare(operation);
      if (difference !== undefined) return difference;
      if (simulated.idle(slot)) break;
    }
  }
  return differ(seed, Infinity, 'rows', real.rows(), simulated.rows());
}

function differ(
  seed: number,
  step: number,
  operation: Operation | 'rows',
  real: string,
  simulated: string,
): Difference | undefined {
  return real === simulated ? undefined : { seed, step, operation, real, simulated };
}

function simulatedWorld(setting: Setting, seed: number): World {
  const { netAdmin, initNamespaces, netns } = setting;
  const read = (name: string): number => Number(readFileSync(`/proc/sys/net/core/${name}`, 'utf8'));
  const kernel = new SimulatedKernel({
    clock: new VirtualClock(),
    seed,
    buffers: {
      receiveDefault: read('rmem_default'),
      receiveMax: read('rmem_max'),
      sendDefault: read('wmem_default'),
      sendMax: read('wmem_max'),
    },
  });
  const [uid, gid] = [process.geteuid!(), process.getegid!()];
  const { pid } = process;
  const party = kernel.process({ pid, uid, gid, netAdmin, initNamespaces, netns });
  return new World(
    (type, protocol) => party.socket(type, protocol),
    () => kernel.procNetNetlink(netns),
  );
}

/** /proc/net/netlink: sk Eth Pid Groups Rmem Wmem Dump Locks Drops Inode. */
function readRows(): Row[] {
  const lines = readFileSync('/proc/net/netlink', 'utf8').trim().split('\n').slice(1);
  return lines
    .map((line) => {
      const columns = line.trim().split(/\s+/);
      return {
        protocol: Number(columns[1]),
        portid: Number(columns[2]) >>> 0,
        groups: Number.parseInt(columns[3]!, 16),
        rmem: Number(columns[4]),
        drops: Number(columns[8]),
      };
    })
    .filter(({ protocol }) => [abi.NETLINK_USERSOCK, abi.NETLINK_CONNECTOR].includes(protocol));
}
