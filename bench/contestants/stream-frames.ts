import type { Duplex } from 'node:stream';
import type { Deed } from './contestant.ts';

/** Length and number of the call, four bytes each. */
const HEADER = 8;

/** Answers the frames of a stream; those of one chunk are written at once. */
export function echoFrames(stream: Duplex): void {
  readFrames(stream, (frame) => stream.write(frame));
}

/** Calls over a stream: a number and a promise a call, and nothing else that makes an RPC. */
export function callFrames(stream: Duplex): Deed {
  const open = new Map<number, (payload: Uint8Array) => void>();
  let next = 0;
  readFrames(stream, (frame) => {
    const number = frame.readUInt32LE(4);
    open.get(number)?.(frame.subarray(HEADER));
    open.delete(number);
  });
  return (payload) =>
    new Promise((resolve) => {
      next = (next + 1) >>> 0;
      const frame = Buffer.allocUnsafe(HEADER + payload.length);
      frame.writeUInt32LE(frame.length, 0);
      frame.writeUInt32LE(next, 4);
      frame.set(payload, HEADER);
      open.set(next, resolve);
      write(stream, frame);
    });
}

/** Writes all of one turn at once. Streams without `cork` gather by themselves. */
function write(stream: Duplex, frame: Buffer): void {
  if (stream.writableCorked === 0) {
    stream.cork();
    queueMicrotask(() => process.nextTick(() => stream.uncork()));
  }
  stream.write(frame);
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
