import { LITTLE_ENDIAN, Slab } from '../../../core/slab.ts';
import { VirtualClock } from '../../../core/virtual-clock.ts';
import type { Pressure } from '../../../transport/simulated/memory.ts';
import * as api from '../../../transport/simulated/connector/kernel.ts';
import { decodeDatagram, encodeMessage } from '../../../transport/wire/datagram.ts';

/** An id whose group exists. */
export const ID: api.OutgoingCnMsg['id'] = { idx: 20, val: 1 };
export const GROUP_20: number = 1 << 19;
/** A receive buffer that two small datagrams fill. */
export const TWO_SLOTS = 1;

/** A simulated kernel in virtual time. */
export interface Bench {
  readonly clock: VirtualClock;
  readonly kernel: api.SimulatedKernel;
  readonly connector: api.Connector;
  /** A bound connector socket of a new process, root's by default. */
  member(groups?: number, process?: api.ProcessOptions): api.SimulatedSocket;
}

export function makeBench(options: Omit<api.KernelOptions, 'clock'> = {}): Bench {
  const clock = new VirtualClock();
  const kernel = new api.SimulatedKernel({ clock, ...options });
  const member = (groups = 0, process: api.ProcessOptions = {}): api.SimulatedSocket => {
    const socket = open(kernel.process(process));
    socket.bind({ nl_pid: 0, nl_groups: groups });
    return socket;
  };
  return { clock, kernel, connector: kernel.connector, member };
}

/** socket(2), where that cannot fail. */
export function open(
  process: api.SimulatedProcess,
  protocol: number = api.NETLINK_CONNECTOR,
): api.SimulatedSocket {
  const socket = process.socket(api.SOCK_RAW, protocol);
  if (typeof socket === 'number') throw new Error(`no socket: ${socket}`);
  return socket;
}

/** Our own portid. */
export function portid(socket: api.SimulatedSocket): number {
  const name = socket.getsockname();
  return typeof name === 'number' ? name : name.nl_pid;
}

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** A message of an agent. */
export function news(text: string, id: typeof ID = ID, seq = 0): api.OutgoingCnMsg {
  return { id, seq, ack: 0, data: bytes(text) };
}

/** Sends a request to the kernel; gives what sendto gives. */
export function ask(
  socket: api.SimulatedSocket,
  payload: Uint8Array | string,
  over: { id?: typeof ID; seq?: number; ack?: number; flags?: number } = {},
): number {
  const { id = ID, seq = 1, ack = 1000, flags = 0 } = over;
  const data = typeof payload === 'string' ? bytes(payload) : payload;
  const datagram = encodeMessage({ id, seq, ack, flags }, data);
  return socket.sendto(datagram, 0, { nl_pid: 0, nl_groups: 0 });
}

/** One received message: the text of its payload with seq and ack; or the error number. */
export function read(socket: api.SimulatedSocket): string | number {
  const received = socket.recv(100_000);
  if (typeof received === 'number') return received;
  const decoded = decodeDatagram(received.bytes);
  if (!decoded.ok) return decoded.reason;
  return decoded.messages
    .map(({ cn, payload }) => `${cn.seq}/${cn.ack} ${new TextDecoder().decode(payload)}`)
    .join(', ');
}

/** All that waits, errors included. */
export function readAll(socket: api.SimulatedSocket): (string | number)[] {
  const all = [];
  for (let next = read(socket); next !== -api.errnos.EAGAIN; next = read(socket)) all.push(next);
  return all;
}

/** Words in the byte order of netlink. */
export function words(...values: number[]): Uint8Array {
  const slab = new Slab(values.length * 4);
  values.forEach((value, at) => slab.view.setUint32(4 * at, value, LITTLE_ENDIAN));
  return slab.bytes;
}

/** Memory that has run out 1.5 ms after the start, for those who may wait or for all. */
export function short(kernel: number, atomic: number): Pressure {
  return { ampleMs: 1, shortMs: 1e6, kernel, atomic };
}
