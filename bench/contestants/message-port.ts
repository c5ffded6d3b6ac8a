import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import type { Client, Place } from './contestant.ts';
import { OpenCalls } from './open-calls.ts';

interface Message {
  readonly number: number;
  readonly payload: Uint8Array;
}

/** The other side is a thread of the caller's process: nothing to do here. */
export function serve(_place: Place): Promise<void> {
  return Promise.resolve();
}

/** Messages to a worker thread and back, copied as postMessage does. */
export async function connect(_place: Place): Promise<Client> {
  const worker = new Worker(new URL(import.meta.url));
  await new Promise<void>((resolve) => worker.once('online', resolve));
  const open = new OpenCalls();
  worker.on('message', ({ number, payload }: Message) => open.settle(number, payload));
  return {
    echo: (payload) =>
      new Promise((resolve) => worker.postMessage({ number: open.add(resolve), payload })),
  };
}

if (!isMainThread) {
  parentPort?.on('message', (message: Message) => parentPort?.postMessage(message));
}
