import UDX from 'udx-native';
import { callFrames, echoFrames } from '../../dist/bench/contestants/stream-frames.js';

const HOST = '127.0.0.1';
const DIAL_MS = 100;
const udx = new UDX();
const socket = udx.createSocket();
let stream;
let next = 1;

/** UDX has no handshake: a message says which stream is to be opened, and the answer, that it is. */
export async function serve({ port }) {
  socket.bind(port, HOST);
  socket.on('message', (message, from) => {
    const id = message.readUInt32LE(0);
    if (stream?.id !== id) {
      stream?.destroy();
      stream = open(id, from.port);
      echoFrames(stream);
    }
    void socket.send(message, from.port, HOST);
  });
}

export async function connect({ through: port }) {
  if (!socket.bound) socket.bind(0, HOST);
  stream?.destroy();
  const id = next++;
  stream = open(id, port);
  const message = Buffer.alloc(4);
  message.writeUInt32LE(id, 0);
  await new Promise((resolve) => {
    const ask = () => void socket.send(message, port, HOST);
    const asking = setInterval(ask, DIAL_MS);
    socket.once('message', () => {
      clearInterval(asking);
      resolve();
    });
    ask();
  });
  return callFrames(stream);
}

function open(id, port) {
  const opened = udx.createStream(id);
  opened.on('error', () => {}); // given up by the other side, or after too many probes
  opened.connect(socket, id, port, HOST);
  return opened;
}
