import UTP from 'utp-native';
import { callFrames, echoFrames } from '../../dist/bench/contestants/stream-frames.js';

const HOST = '127.0.0.1';
const utp = new UTP();
let connection;

export async function serve({ port }) {
  utp.on('connection', (accepted) => {
    connection?.destroy();
    connection = accepted;
    accepted.on('error', () => {}); // given up by the other side
    echoFrames(accepted);
  });
  await new Promise((resolve) => utp.listen(port, HOST, resolve));
}

export async function connect({ through: port }) {
  connection?.destroy();
  connection = utp.connect(port, HOST);
  connection.on('error', () => {});
  await new Promise((resolve) => connection.once('connect', resolve));
  return callFrames(connection);
}
