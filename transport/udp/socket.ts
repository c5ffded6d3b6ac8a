import { createSocket, type Socket } from 'node:dgram';
import { ConnectorError } from '../../core/errors.ts';

/** Says what socket to bind. */
export interface SocketOptions {
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
  /** Others may bind the same, and each gets a copy: for multicast. */
  readonly shared: boolean;
  /** For SO_RCVBUF. */
  readonly receiveBuffer: number | undefined;
  readonly received: (bytes: Uint8Array, host: string, port: number) => void;
  /** Called once, with the reason if there is no socket: mostly inside of `bindSocket`. */
  readonly bound: (socket: Socket, error: Error | undefined) => void;
  /** The socket broke after that. */
  readonly failed: (error: Error) => void;
}

/**
 * Binds a socket. Hosts are addresses and never names; Node would still ask its resolver for each
 * datagram and send it a tick later. With a `lookup` that answers at once it sends, and binds,
 * inside of the call. It does not keep the process alive.
 */
export function bindSocket(options: SocketOptions): void {
  const { host, port, shared, receiveBuffer, received, bound, failed } = options;
  const socket = createSocket({
    type: 'udp4',
    reuseAddr: shared,
    lookup: (address, _options, answer) => answer(null, address, 4),
  });
  let settled = false;
  socket.on('message', (bytes, source) => received(bytes, source.address, source.port));
  socket.on('listening', () => {
    settled = true;
    try {
      if (receiveBuffer !== undefined) socket.setRecvBufferSize(receiveBuffer);
      socket.unref();
    } catch (error) {
      socket.close();
      bound(socket, error as Error);
      return;
    }
    bound(socket, undefined);
  });
  socket.on('error', (error) => {
    if (settled) {
      failed(error);
      return;
    }
    settled = true;
    socket.close();
    bound(socket, error);
  });
  // A worker of node:cluster would otherwise share the socket with its siblings.
  socket.bind({ address: host, port, exclusive: true });
}

/** Tells a user why a socket cannot be had. */
export function refusal(host: string, port: number, cause: Error): ConnectorError {
  const { code = cause.message } = cause as NodeJS.ErrnoException;
  const place = `${host}:${port}`;
  switch (code) {
    case 'EADDRINUSE':
      return new ConnectorError(
        'busy',
        `${place} is bound by another socket; close that one or choose another port`,
        { cause },
      );
    case 'EADDRNOTAVAIL':
      return new ConnectorError('unavailable', `${host} is no address of this machine`, { cause });
    default:
      return new ConnectorError('unavailable', `binding ${place} failed: ${code}`, { cause });
  }
}
