import { Client } from './client.ts';
import type { Answer, Order } from './plan.ts';
import { Server } from './server.ts';

// The program of a process that is to be killed. It loads everything, says so, and waits to be
// told what to be: so the next life of a seat begins within milliseconds of the end of the last.

let role: Server | Client | undefined;

async function obey(order: Order): Promise<void> {
  if (order.kind === 'finish') {
    await role?.finish();
    answer({ kind: 'finished' });
    return;
  }
  const worked = (): void => answer({ kind: 'working' });
  if (order.kind === 'serve') {
    role = new Server(order, worked);
  } else {
    const client = new Client(order, worked);
    role = client;
    await client.start();
  }
}

function answer(message: Answer): void {
  process.send?.(message);
}

// If the conductor is gone there is nobody left to work for.
process.on('disconnect', () => process.exit(0));
process.on('message', (order: Order) => {
  obey(order).catch((error: unknown) => {
    answer({ kind: 'failed', message: error instanceof Error ? error.stack! : String(error) });
  });
});
answer({ kind: 'warm' });
