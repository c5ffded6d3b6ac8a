import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';

/** More than the event loop needs to read what a test sends: 32 datagrams a turn. */
const TURNS = 10;
const ROUNDS = 3;

/**
 * Waits, without a clock, until what was sent over loopback has arrived and was read. The kernel
 * delivers inside of the send, or, where that is too much at once, in order soon after: a datagram
 * sent later tells when.
 */
export class Fence {
  readonly #socket: Socket;

  private constructor(socket: Socket) {
    this.#socket = socket;
  }

  static async open(): Promise<Fence> {
    const socket = createSocket('udp4').bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return new Fence(socket);
  }

  async pass(): Promise<void> {
    const { port, address } = this.#socket.address();
    for (let round = 0; round < ROUNDS; round++) {
      const arrived = once(this.#socket, 'message');
      this.#socket.send('fence', port, address);
      await arrived;
      for (let turn = 0; turn < TURNS; turn++) {
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
  }

  close(): void {
    this.#socket.close();
  }
}
