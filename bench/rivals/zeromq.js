import { rmSync } from 'node:fs';
import { Dealer, Router } from 'zeromq';
import { OpenCalls } from '../../dist/bench/contestants/open-calls.js';

/** DEALER to ROUTER with a number a call: what REQ and REP cannot do, more than one in flight. */
export async function serve({ path }) {
  rmSync(path, { force: true });
  const socket = new Router({ sendHighWaterMark: 0, receiveHighWaterMark: 0 });
  await socket.bind(`ipc://${path}`);
  void (async () => {
    for await (const frames of socket) await socket.send(frames);
  })();
}

export async function connect({ path }) {
  const socket = new Dealer({ sendHighWaterMark: 0, receiveHighWaterMark: 0 });
  socket.connect(`ipc://${path}`);
  const open = new OpenCalls();
  const queue = [];
  let sending = false;
  void (async () => {
    for await (const [number, payload] of socket) {
      open.settle(number.readUInt32LE(0), payload);
    }
  })();
  // A socket takes one send at a time.
  const drain = async () => {
    sending = true;
    for (let frames = queue.shift(); frames; frames = queue.shift()) await socket.send(frames);
    sending = false;
  };
  const echo = (payload) =>
    new Promise((resolve) => {
      const number = Buffer.allocUnsafe(4);
      number.writeUInt32LE(open.add(resolve), 0);
      queue.push([number, payload]);
      if (!sending) void drain();
    });
  return { echo };
}
