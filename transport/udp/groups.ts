import type { Socket } from 'node:dgram';
import { ConnectorError } from '../../core/errors.ts';
import { bindSocket } from './socket.ts';

/** Group n is this plus n: out of the block that organisations use as they like (RFC 2365 §6.1). */
const PREFIX = '239.255.67.';

/** The IPv4 multicast group of a group. */
export function groupHost(group: number): string {
  return `${PREFIX}${group}`;
}

/** Says where groups are, and whom to tell. */
export interface GroupsOptions {
  /** The interface's own address. */
  readonly host: string;
  readonly port: number;
  readonly receiveBuffer: number | undefined;
  readonly received: (bytes: Uint8Array, host: string, port: number, group: number) => void;
  readonly failed: (error: Error) => void;
}

/**
 * The groups that a transport is a member of. Each has a socket of its own, bound to the group's
 * address: a socket bound to no address would be given the datagrams of every group that anybody on
 * the machine has joined (IP_MULTICAST_ALL), and `node:dgram` does not tell which one it was.
 */
export class Groups {
  readonly #options: GroupsOptions;
  readonly #sockets = new Map<number, Socket>();

  constructor(options: GroupsOptions) {
    this.#options = options;
  }

  /** Throws `refused`. Node binds within the call; should it ever not, the group is joined then. */
  join(group: number): void {
    if (this.#sockets.has(group)) return;
    const { host, port, receiveBuffer, received, failed } = this.#options;
    let joining = true;
    bindSocket({
      host: groupHost(group),
      port,
      shared: true,
      receiveBuffer,
      received: (bytes, from, fromPort) => received(bytes, from, fromPort, group),
      bound: (socket, error) => {
        const reason = error ?? enter(socket, group, host);
        if (reason === undefined) this.#sockets.set(group, socket);
        else if (joining) throw refused(group, port, reason);
        else failed(reason);
      },
      failed,
    });
    joining = false;
  }

  leave(group: number): void {
    this.#sockets.get(group)?.close();
    this.#sockets.delete(group);
  }

  close(): void {
    for (const group of [...this.#sockets.keys()]) this.leave(group);
  }
}

function enter(socket: Socket, group: number, host: string): Error | undefined {
  try {
    socket.addMembership(groupHost(group), host);
    return undefined;
  } catch (error) {
    socket.close();
    return error as Error;
  }
}

function refused(group: number, port: number, cause: Error): ConnectorError {
  const place = `${groupHost(group)}:${port}`;
  return new ConnectorError('refused', `cannot join group ${group}, ${place}: ${cause.message}`, {
    cause,
  });
}
