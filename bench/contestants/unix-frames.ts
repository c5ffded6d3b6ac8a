import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { createConnection, createServer } from 'node:net';
import type { Client, Place } from './contestant.ts';
import { callFrames, echoFrames } from './stream-frames.ts';

/** Echoes frames over a Unix socket. */
export async function serve({ path }: Place): Promise<void> {
  rmSync(path, { force: true });
  const server = createServer(echoFrames);
  await new Promise<void>((resolve) => server.listen(path, resolve));
}

/** Makes calls, and sends messages that nobody replies to. */
export async function connect({ path }: Place): Promise<Client> {
  const socket = createConnection(path);
  await once(socket, 'connect');
  return callFrames(socket);
}
