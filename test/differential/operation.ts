import type { SeededRandom } from '../../core/random.ts';
import * as abi from '../../transport/simulated/connector/abi.ts';

/** Sockets that a story has at a time. */
export const SLOTS = 8;
/** Portids that stories bind by name: this process's own, and far from what kernels choose. */
export const FIXED_PORTIDS: readonly number[] = [0, 1, 2, 3].map(
  (each) => 0x5000_0000 + process.pid * 4 + each,
);

/** A portid by its meaning, because those that a kernel chooses differ from world to world. */
export type PortidRef =
  | { readonly kind: 'kernel' } // 0
  | { readonly kind: 'slot'; readonly slot: number }
  | { readonly kind: 'fixed'; readonly index: number };

export interface AddressRef {
  readonly family: number;
  readonly portid: PortidRef;
  readonly groups: number;
  readonly length: number;
}

/** One system call on the socket in a slot; nothing happens where there is none. */
export type Operation = { readonly slot: number } & (
  | { readonly call: 'socket'; readonly type: number; readonly protocol: number }
  | { readonly call: 'bind' | 'connect'; readonly address: AddressRef }
  | {
      readonly call: 'setsockopt';
      readonly level: number;
      readonly name: number;
      readonly value: number;
      readonly length: number;
    }
  | { readonly call: 'getsockopt'; readonly level: number; readonly name: number }
  | {
      readonly call: 'sendto';
      readonly flags: number;
      readonly address: AddressRef | undefined;
      readonly length: number;
      /** What the bytes are made of. */
      readonly mark: number;
    }
  | { readonly call: 'recv'; readonly length: number; readonly flags: number }
  | { readonly call: 'getsockname' | 'poll' | 'close' }
);

/** What stories of one kind are drawn from. */
export interface Subject {
  readonly protocol: number;
  /** Joined and sent to; where others' traffic may come in a group is left out. */
  readonly groups: readonly number[];
  /** Whether nl_groups may have all bits: then groups outside of `groups` are joined, too. */
  readonly allGroups: boolean;
}

/** Draws how a story begins: all sockets open, most of them bound, small and in some groups. */
export function drawOpening(random: SeededRandom, subject: Subject): Operation[] {
  return Array.from({ length: SLOTS }, (_, slot): Operation[] => {
    const address = drawAddress(random, subject, 'bind');
    const small = { level: abi.SOL_SOCKET, name: abi.SO_RCVBUF, value: pick(random, [1, 2000]) };
    return [
      { slot, call: 'socket', type: abi.SOCK_RAW, protocol: subject.protocol },
      ...(random.chance(0.8) ? [{ slot, call: 'bind', address } as const] : []),
      ...(random.chance(0.7) ? [{ slot, call: 'setsockopt', ...small, length: 4 } as const] : []),
      { slot, ...drawSetOption(random, subject) },
    ];
  }).flat();
}

/** Draws one operation. Sends and receives are most, with queues that two or three fill. */
export function drawOperation(random: SeededRandom, subject: Subject, mark: number): Operation {
  const slot = random.integer(0, SLOTS - 1);
  const kind = random.integer(1, 200);
  if (kind <= 94) return { slot, ...drawSend(random, subject, mark) };
  if (kind <= 138) return { slot, ...drawReceive(random) };
  if (kind <= 146) {
    const type = pick(random, [3, 3, 3, 3, 3, 3, 2, 2, 2, 1]);
    const protocol = random.chance(0.05) ? 31 : subject.protocol;
    return { slot, call: 'socket', type, protocol };
  }
  if (kind <= 156) return { slot, call: 'bind', address: drawAddress(random, subject, 'bind') };
  if (kind <= 178) return { slot, ...drawSetOption(random, subject) };
  if (kind <= 188) return { slot, ...drawGetOption(random) };
  if (kind <= 191) return { slot, call: 'connect', address: drawAddress(random, subject, 'send') };
  if (kind <= 196) return { slot, call: 'poll' };
  return { slot, call: kind <= 198 ? 'getsockname' : 'close' };
}

const LENGTHS = [
  1, 15, 16, 20, 36, 40, 76, 76, 76, 76, 100, 100, 256, 257, 704, 705, 1728, 1729, 3776, 3777, 8228,
  16_400, 65_216, 0, 212_960, 212_961,
];

function drawSend(random: SeededRandom, subject: Subject, mark: number) {
  return {
    call: 'sendto' as const,
    flags: random.chance(0.02) ? abi.MSG_OOB : 0,
    address: random.chance(0.12) ? undefined : drawAddress(random, subject, 'send'),
    length: random.chance(0.6) ? 76 : pick(random, LENGTHS),
    mark,
  };
}

function drawReceive(random: SeededRandom) {
  const flags = [0, 0, 0, 0, 0, abi.MSG_PEEK, abi.MSG_TRUNC, abi.MSG_PEEK | abi.MSG_TRUNC];
  return {
    call: 'recv' as const,
    length: pick(random, [70_000, 70_000, 70_000, 0, 10, 76]),
    flags: random.chance(0.02) ? abi.MSG_OOB : pick(random, flags),
  };
}

function drawAddress(random: SeededRandom, subject: Subject, use: 'bind' | 'send'): AddressRef {
  const odd = random.integer(0, 99);
  return {
    family: odd === 0 ? 2 : odd === 1 ? abi.AF_UNSPEC : abi.AF_NETLINK,
    portid: drawPortid(random, use),
    groups: drawGroups(random, subject, use),
    length: odd === 2 ? 8 : 12,
  };
}

function drawPortid(random: SeededRandom, use: 'bind' | 'send'): PortidRef {
  const kind = random.integer(1, 20);
  if (kind <= (use === 'bind' ? 6 : 3)) return { kind: 'kernel' };
  if (kind <= (use === 'bind' ? 12 : 18)) {
    return { kind: 'slot', slot: random.integer(0, SLOTS - 1) };
  }
  return { kind: 'fixed', index: random.integer(0, FIXED_PORTIDS.length - 1) };
}

function drawGroups(random: SeededRandom, subject: Subject, use: 'bind' | 'send'): number {
  const bit = (): number => 1 << (pick(random, subject.groups) - 1);
  const kind = random.integer(1, 20);
  if (kind <= 8) return 0;
  if (kind <= 15) return bit() >>> 0;
  if (kind === 20 && use === 'bind' && subject.allGroups) return 0xffff_ffff;
  return (bit() | bit() | bit()) >>> 0;
}

function drawSetOption(random: SeededRandom, subject: Subject) {
  const call = 'setsockopt' as const;
  const length = random.chance(0.04) ? 2 : 4;
  const kind = random.integer(1, 100);
  if (kind <= 30) {
    const values = [0, 1, 1, 1, 1152, 1153, 2000, 2304, 4000, 20_000, 100_000, 5_000_000, -1];
    const value = pick(random, values);
    const name = random.chance(0.1) ? abi.SO_RCVBUFFORCE : abi.SO_RCVBUF;
    return { call, level: abi.SOL_SOCKET, name, value, length };
  }
  if (kind <= 34) {
    const value = pick(random, [1, 2304, 10_000, 106_496, 5_000_000]);
    return { call, level: abi.SOL_SOCKET, name: abi.SO_SNDBUF, value, length };
  }
  if (kind <= 38) {
    const value = random.integer(0, 1);
    return { call, level: abi.SOL_SOCKET, name: abi.SO_PASSCRED, value, length };
  }
  const level = abi.SOL_NETLINK;
  if (kind <= 76) {
    const value = random.chance(0.1) ? pick(random, [0, 33, 64, 12_345, -1]) : undefined;
    const name = random.chance(0.75) ? abi.NETLINK_ADD_MEMBERSHIP : abi.NETLINK_DROP_MEMBERSHIP;
    return { call, level, name, value: value ?? pick(random, subject.groups), length };
  }
  if (kind <= 78) return { call, level: kind, name: 1, value: 1, length };
  const name = pick(random, [
    abi.NETLINK_NO_ENOBUFS,
    abi.NETLINK_NO_ENOBUFS,
    abi.NETLINK_BROADCAST_ERROR,
    abi.NETLINK_PKTINFO,
    0,
  ]);
  return { call, level, name, value: random.integer(0, 1), length };
}

function drawGetOption(random: SeededRandom) {
  const call = 'getsockopt' as const;
  if (random.chance(0.5)) {
    const name = pick(random, [abi.SO_ERROR, abi.SO_ERROR, abi.SO_RCVBUF, abi.SO_SNDBUF, 16]);
    return { call, level: abi.SOL_SOCKET, name };
  }
  return { call, level: abi.SOL_NETLINK, name: pick(random, [0, 1, 3, 4, 5, 9, 9]) };
}

function pick<T>(random: SeededRandom, from: readonly T[]): T {
  return from[random.integer(0, from.length - 1)]!;
}
