import { rmSync } from 'node:fs';
import { createServer, createConnection, type Socket } from 'node:net';
import type { Client, Place } from './contestant.ts';

/** Length and number of the call, four bytes each; number 0 is a message that is not echoed. */
const HEADER = 8;
const ONE_WAY = 0;

/** Echoes frames over a Unix socket; the stream coalesces what comes in one turn. */
export async function serve({ path }: Place): Promise<void> {
  rmSync(path, { force: true });
  const server = createServer((socket) => {
    readFrames(socket, (frame) => {
      if (frame.readUInt32LE(4) !== ONE_WAY) socket.write(frame);
    });
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
}

/** A number and a promise a call, and nothing else that makes an RPC. */
export async function connect({ path }: Place): Promise<Client> {
  const socket = createConnection(path);
  await new Promise<void>((resolve) => socket.once('connect', resolve));
  const open = new Map<number, (payload: Uint8Array) => void>();
  let next = ONE_WAY;
  readFrames(socket, (frame) => {
    const number = frame.readUInt32LE(4);
    open.get(number)?.(frame.subarray(HEADER));
    open.delete(number);
  });
  return {
    echo: (payload) =>
      new Promise((resolve) => {
        next = next === 0xffff_ffff ? 1 : next + 1;
        open.set(next, resolve);
        write(socket, frameOf(next, payload));
      }),
    // Resolves when the system has it: nobody says when the peer has.
    oneWay: (payload) =>
      new Promise((resolve) => write(socket, frameOf(ONE_WAY, payload), () => resolve(undefined))),
  };
}

function frameOf(number: number, payload: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(HEADER + payload.length);
  frame.writeUInt32LE(frame.length, 0);
  frame.writeUInt32LE(number, 4);
  frame.set(payload, HEADER);
  return frame;
}

/** Writes all of one turn at once. */
function write(socket: Socket, frame: Buffer, written?: () => void): void {
  if (socket.writableCorked === 0) {
    socket.cork();
    queueMicrotask(() => process.nextTick(() => socket.uncork()));
  }
  socket.write(frame, written);
}

function readFrames(socket: Socket, take: (frame: Buffer) => void): void {
  let rest: Buffer = Buffer.alloc(0);
  socket.on('data', (chunk) => {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let at = 0;
    socket.cork();
    while (bytes.length - at >= HEADER) {
      const end = at + bytes.readUInt32LE(at);
      if (end > bytes.length) break;
      take(bytes.subarray(at, end));
      at = end;
    }
    socket.uncork();
    rest = bytes.subarray(at);
  });
}
