import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { createConnection, createServer, type Socket } from 'node:net';
import { pipeline } from 'node:stream/promises';
import type { Client, Place } from './contestant.ts';

/** The first bytes of a connection: the length of what the server is to send; 0, it only takes. */
const HEADER = 4;

/** Sends or takes bytes over a Unix socket as Node's streams do, a connection for each stream. */
export async function serve({ path }: Place): Promise<void> {
  rmSync(path, { force: true });
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {}); // whoever has enough just goes
    socket.once('readable', () => {
      const size = (socket.read(HEADER) as Buffer).readUInt32LE();
      if (size === 0) socket.resume().once('end', () => socket.end());
      else pipeline(values(size), socket).catch(() => {});
    });
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
}

/** The taker gets the chunks that the system hands over, not values: there are no frames. */
export function connect({ path }: Place): Promise<Client> {
  return Promise.resolve({
    down: async function* (size) {
      const socket = await open(path, size);
      for await (const chunk of socket) yield chunk as Buffer; // destroys the socket when left
    },
    up: async (given) => {
      const socket = await open(path, 0);
      const taken = once(socket.resume(), 'end');
      await pipeline(given, socket, { end: true });
      await taken;
    },
  });
}

async function open(path: string, size: number): Promise<Socket> {
  const socket = createConnection({ path, allowHalfOpen: true });
  await once(socket, 'connect');
  const header = Buffer.alloc(HEADER);
  header.writeUInt32LE(size);
  socket.write(header);
  return socket;
}

async function* values(size: number): AsyncGenerator<Uint8Array> {
  const value = Buffer.alloc(size, 7);
  for (;;) yield value;
}
