import { SeededRandom } from '../../core/random.ts';
import { LITTLE_ENDIAN, Slab } from '../../core/slab.ts';
import { VirtualClock } from '../../core/virtual-clock.ts';
import * as abi from '../../transport/simulated/connector/abi.ts';
import { SimulatedKernel } from '../../transport/simulated/connector/kernel.ts';
import { writeCnMsg } from '../../transport/wire/cnmsg.ts';
import { writeNlmsg } from '../../transport/wire/nlmsg.ts';
import { openKernelSocket, type SocketCalls } from './kernel-socket.ts';

/** Sockets that ask, and see what is answered. */
const SOCKETS = 4;
const LISTEN = 1;
const IGNORE = 2;
/** Added to the machine's listener count while a story runs, so that no IGNORE of ours mutes it. */
const MARGIN = 16;
const QUEUE = 4_194_304;
const PROC_EVENT_ALL = 0xe000_03c7;

type Open = (type: number, protocol: number) => SocketCalls | number;

/** What a drawn request is: the datagram, and which socket sends it. */
interface Request {
  readonly socket: number;
  /** Close the socket first and open another one: its state at cn_proc is gone with it. */
  readonly fresh: boolean;
  readonly bytes: Uint8Array;
  readonly ack: number;
}

/**
 * Sends drawn requests, well formed and not, to cn_proc of both kernels, and compares who sees
 * which acknowledgement. Others on this machine listen, mute and make events meanwhile. So only
 * acknowledgements of our own (random) ack numbers are looked at; and a request counts only if a
 * plain LISTEN before it and after it was answered, since otherwise somebody has muted cn_proc.
 */
export function playProcStory(
  seed: number,
  requests: number,
): {
  readonly compared: number;
  readonly muted: number;
  readonly difference: object | undefined;
} {
  const random = new SeededRandom(seed);
  const kernel = new SimulatedKernel({ clock: new VirtualClock() });
  const party = kernel.process({ netAdmin: true });
  const real = new Side(openKernelSocket);
  const simulated = new Side((type, protocol) => party.socket(type, protocol));
  const sides = [real, simulated];
  let [compared, muted] = [0, 0];
  try {
    for (const side of sides) side.open();
    for (let count = 1; count <= requests; count++) {
      const request = draw(random);
      const before = real.answers(random.u32());
      const [found, expected] = sides.map((side) => side.perform(request)) as [string, string];
      if (!before || !real.answers(random.u32())) muted += 1;
      else if (found === expected) compared += 1;
      else {
        const bytes = Buffer.from(request.bytes.subarray(0, 60)).toString('hex');
        const difference = { seed, count, ...request, bytes, real: found, simulated: expected };
        return { compared, muted, difference };
      }
    }
    return { compared, muted, difference: undefined };
  } finally {
    for (const side of sides) side.close();
    giveBack(kernel.proc.listeners);
  }
}

/** One kernel, and the sockets of a story on it. */
class Side {
  readonly #open: Open;
  readonly #sockets: SocketCalls[] = [];
  #control: SocketCalls | undefined;

  constructor(open: Open) {
    this.#open = open;
  }

  open(): void {
    leakListeners(this.#open, MARGIN);
    this.#control = member(this.#open);
    for (let count = 0; count < SOCKETS; count++) this.#sockets.push(member(this.#open));
  }

  /** Whether cn_proc answers a plain LISTEN. */
  answers(ack: number): boolean {
    const control = this.#control!;
    send(control, message(ack, words(LISTEN)));
    const answered = drain(control, ack) !== '';
    for (const socket of this.#sockets) drain(socket, ack);
    return answered;
  }

  /** Sends a request; says who saw what in answer to it. */
  perform({ socket, fresh, bytes, ack }: Request): string {
    if (fresh) {
      this.#sockets[socket]!.close();
      this.#sockets[socket] = member(this.#open);
    }
    const sent = this.#sockets[socket]!.sendto(bytes, 0, { nl_pid: 0, nl_groups: 0 });
    const seen = [this.#control!, ...this.#sockets].map((each) => drain(each, ack) || '-');
    return `${sent}: ${seen.join(' ')}`;
  }

  /** Takes the control's own LISTEN back; the sockets' are counted by the simulated kernel. */
  close(): void {
    if (this.#control !== undefined) send(this.#control, message(0, words(IGNORE)));
    this.#control?.close();
    for (const socket of this.#sockets.splice(0)) socket.close();
  }
}

/** Brings the machine's listener count back to where it was: KF §7.4 says how it moves. */
function giveBack(listeners: number): void {
  for (let count = listeners; count > 0; count--) {
    const socket = member(openKernelSocket);
    send(socket, message(0, words(3)));
    send(socket, message(0, words(IGNORE)));
    socket.close();
  }
  if (listeners < 0) leakListeners(openKernelSocket, -listeners);
}

/** A listener that dies without IGNORE is counted for ever. */
function leakListeners(open: Open, count: number): void {
  for (let made = 0; made < count; made++) {
    const socket = member(open);
    send(socket, message(0, words(LISTEN)));
    socket.close();
  }
}

function member(open: Open): SocketCalls {
  const socket = open(abi.SOCK_RAW, abi.NETLINK_CONNECTOR);
  if (typeof socket === 'number') throw new Error(`no connector socket: ${socket}`);
  socket.setsockopt(abi.SOL_SOCKET, abi.SO_RCVBUF, QUEUE);
  socket.setsockopt(abi.SOL_NETLINK, abi.NETLINK_NO_ENOBUFS, 1);
  socket.bind({ nl_pid: 0, nl_groups: 1 });
  return socket;
}

function send(socket: SocketCalls, bytes: Uint8Array): void {
  socket.sendto(bytes, 0, { nl_pid: 0, nl_groups: 0 });
}

/** Empties a queue; gives the acknowledgement of `ack` in words, or nothing. */
function drain(socket: SocketCalls, ack: number): string {
  let found = '';
  for (;;) {
    const received = socket.recv(256);
    if (typeof received === 'number') return found;
    const { bytes, address } = received;
    const { view } = new Slab(bytes);
    const word = (at: number): number => view.getUint32(at, LITTLE_ENDIAN);
    if (bytes.length !== 76 || word(28) !== (ack + 1) >>> 0 || word(36) !== 0) continue;
    const consistent = word(8) === word(24) && word(0) === 76 && word(12) === 0;
    found += `[${address.nl_pid} ${address.nl_groups} error ${word(52)} ${consistent}]`;
  }
}

function words(...values: number[]): Uint8Array {
  return new Uint8Array(new Uint32Array(values).buffer);
}

/** A request with honest lengths. */
function message(ack: number, payload: Uint8Array): Uint8Array {
  return encode({ ack, payload, id: { idx: 1, val: 1 }, stated: 0, cnLength: 0, extra: 0, seq: 7 });
}

interface Shape {
  readonly id: { readonly idx: number; readonly val: number };
  readonly seq: number;
  readonly ack: number;
  readonly payload: Uint8Array;
  /** Added to, or instead of (if large), the true nlmsg_len. */
  readonly stated: number;
  readonly cnLength: number;
  /** Bytes after the payload; less than 0 cuts it. */
  readonly extra: number;
}

function encode({ id, seq, ack, payload, stated, cnLength, extra }: Shape): Uint8Array {
  const length = 36 + payload.length;
  const slab = new Slab(Math.max(length + extra, length));
  writeNlmsg(slab, 0, Math.abs(stated) < 20_000 ? length + stated : stated, seq);
  writeCnMsg(slab, 16, id, seq, ack, payload.length + cnLength, 0);
  slab.bytes.set(payload, 36);
  return slab.bytes.subarray(0, Math.max(1, length + extra));
}

function draw(random: SeededRandom): Request {
  const ack = random.u32();
  const seq = random.u32();
  const operation = pick(random, [LISTEN, LISTEN, LISTEN, IGNORE, IGNORE, 0, 3, 0xffff_ffff]);
  const mask = pick(random, [PROC_EVENT_ALL, 0, 8, 2, 0x8000_0000, 0x2000_0000, 0xffff_ffff]);
  const payload = random.chance(0.3) ? words(operation, mask) : words(operation);
  const shape = { id: { idx: 1, val: 1 }, seq, ack, payload, stated: 0, cnLength: 0, extra: 0 };
  const bytes = encode(random.chance(0.6) ? shape : { ...shape, ...twist(random, payload.length) });
  if (random.chance(0.2)) bytes[4 + random.integer(0, 3)] = random.u32() & 0xff; // type or flags
  return { socket: random.integer(0, SOCKETS - 1), fresh: random.chance(0.1), bytes, ack };
}

/** Wrong lengths and ids, each by itself or together (KF §1.4). */
function twist(random: SeededRandom, length: number): Partial<Shape> {
  switch (random.integer(1, 7)) {
    case 1:
      return { stated: pick(random, [-1, 1, -length, -20 - length, -36 - length]) };
    case 2:
      return { stated: pick(random, [0x8000_0010, 0xffff_ffff]) };
    case 3:
      return { cnLength: pick(random, [-1, 1, -2, 4, -length]) };
    case 4:
      return { extra: pick(random, [-1, -4, 1, 40]) };
    case 5:
      return { extra: 100, stated: pick(random, [1, 4, 40, 100]) };
    case 6: {
      const room = 16_384 - 20 - length;
      return { extra: room + 4, stated: pick(random, [room, room + 1]) };
    }
    default: {
      const idx = pick(random, [1, 99, 0xffff_ffff]);
      return { id: { idx, val: idx === 1 ? 2 : idx } };
    }
  }
}

function pick<T>(random: SeededRandom, from: readonly T[]): T {
  return from[random.integer(0, from.length - 1)]!;
}
