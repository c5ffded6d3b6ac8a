import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import type { Client, Deed, Place } from './contestant.ts';
import { OpenCalls } from './open-calls.ts';

const HOST = '127.0.0.1';
/** The number of the call, then the length, four bytes each. */
const HEADER = 8;
/** More than this is no datagram. */
const DATAGRAM_MAX = 65_507;

/** Echoes over `node:dgram`, all of one turn of the event loop in one datagram. */
export async function serve({ port }: Place): Promise<void> {
  const socket = await bound(port);
  let packer: Packer | undefined;
  socket.on('message', (bytes, source) => {
    packer ??= new Packer(socket, source.port);
    packer.add(bytes);
  });
}

/** Numbers and promises, and nothing against loss: what floor a Node program stands on. */
export async function connect({ through }: Place): Promise<Client> {
  const socket = await bound(0);
  const packer = new Packer(socket, through);
  const open = new OpenCalls();
  socket.on('message', (bytes) => {
    for (let at = 0; at < bytes.length;) {
      const number = bytes.readUInt32LE(at);
      const end = at + HEADER + bytes.readUInt32LE(at + 4);
      open.settle(number, bytes.subarray(at + HEADER, end));
      at = end;
    }
  });
  const echo: Deed = (payload) =>
    new Promise((resolve) => {
      const frame = Buffer.allocUnsafe(HEADER + payload.length);
      frame.writeUInt32LE(open.add(resolve), 0);
      frame.writeUInt32LE(payload.length, 4);
      frame.set(payload, HEADER);
      packer.add(frame);
    });
  return { echo };
}

/** Sends what comes in one turn of the event loop in one datagram, or as few as hold it. */
class Packer {
  readonly #socket: Socket;
  readonly #port: number;
  #frames: Uint8Array[] = [];
  #bytes = 0;

  constructor(socket: Socket, port: number) {
    this.#socket = socket;
    this.#port = port;
  }

  add(frame: Uint8Array): void {
    if (this.#bytes + frame.length > DATAGRAM_MAX) this.#send();
    if (this.#bytes === 0) setImmediate(() => this.#send());
    this.#frames.push(frame);
    this.#bytes += frame.length;
  }

  #send(): void {
    if (this.#bytes > 0) this.#socket.send(Buffer.concat(this.#frames), this.#port, HOST);
    this.#frames = [];
    this.#bytes = 0;
  }
}

async function bound(port: number): Promise<Socket> {
  const lookup = (address: string, _options: unknown, answer: Answer): void =>
    answer(null, address, 4);
  const socket = createSocket({ type: 'udp4', lookup });
  const listening = once(socket, 'listening');
  socket.bind(port, HOST);
  await listening;
  return socket;
}

type Answer = (error: null, address: string, family: number) => void;
