import type { Duplex } from 'node:stream';
import type { Client } from './contestant.ts';
import { OpenCalls } from './open-calls.ts';

/** Length and number of the call, four bytes each; number 0 is a message that is not echoed. */
const HEADER = 8;
const ONE_WAY = 0;

/** Answers the frames of a stream; those of one chunk are written at once. */
export function echoFrames(stream: Duplex): void {
  readFrames(stream, (frame) => {
    if (frame.readUInt32LE(4) !== ONE_WAY) stream.write(frame);
  });
}

/** Calls over a stream: a number and a promise a call, and nothing else that makes an RPC. */
export function callFrames(stream: Duplex): Client {
  const open = new OpenCalls();
  readFrames(stream, (frame) => {
    open.settle(frame.readUInt32LE(4), frame.subarray(HEADER));
  });
  return {
    echo: (payload) =>
      new Promise((resolve) => write(stream, frameOf(open.add(resolve), payload))),
    // Resolves when the system has it: nobody says when the peer has.
    oneWay: (payload) =>
      new Promise((resolve) => write(stream, frameOf(ONE_WAY, payload), () => resolve(undefined))),
  };
}

function frameOf(number: number, payload: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(HEADER + payload.length);
  frame.writeUInt32LE(frame.length, 0);
  frame.writeUInt32LE(number, 4);
  frame.set(payload, HEADER);
  return frame;
}

/** Writes all of one turn at once. Streams without `cork` gather by themselves. */
function write(stream: Duplex, frame: Buffer, written?: () => void): void {
  if (stream.writableCorked === 0) {
    stream.cork();
    queueMicrotask(() => process.nextTick(() => stream.uncork()));
  }
  stream.write(frame, written);
}

function readFrames(stream: Duplex, take: (frame: Buffer) => void): void {
  let rest: Buffer = Buffer.alloc(0);
  stream.on('data', (chunk: Buffer) => {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let at = 0;
    stream.cork?.();
    while (bytes.length - at >= HEADER) {
      const end = at + bytes.readUInt32LE(at);
      if (end > bytes.length) break;
      take(bytes.subarray(at, end));
      at = end;
    }
    stream.uncork?.();
    rest = bytes.subarray(at);
  });
}
