import { sum, type Findings } from './findings.ts';
import { Hand } from './hand.ts';
import type { AnswerOf } from './messages.ts';
import type { Plan } from './plan.ts';
import { addTallies } from './tally.ts';
import { interruptible, type Watch } from './watch.ts';
import { assert } from '../../core/assert.ts';

/** Runs server and clients as processes of their own over a transport of the real kernel. */
export async function runProcesses(plan: Plan, watch: Watch): Promise<Findings> {
  const server = new Hand('the server');
  const clients = Array.from({ length: plan.clients }, (_, at) => new Hand(`client ${at + 1}`));
  const hands = [server, ...clients];
  const broken = Promise.race(hands.map((hand) => hand.failed));
  const work = (): Promise<Findings> => Promise.race([run(plan, watch, server, clients), broken]);
  try {
    return await interruptible(work, watch.interruption, () => server.kill());
  } finally {
    await Promise.all(hands.map((hand) => hand.dismiss()));
  }
}

async function run(
  plan: Plan,
  watch: Watch,
  server: Hand,
  clients: readonly Hand[],
): Promise<Findings> {
  const { address } = await server.order({ kind: 'serve', plan }, 'serving');
  const { watched } = watch;
  const connect = { kind: 'connect', plan, server: address, watched } as const;
  await each(clients, (hand, client) => hand.order({ ...connect, client }, 'connected'));
  follow(clients, watch);
  const began = performance.now();
  await each(clients, (hand) => hand.order({ kind: 'call' }, 'called'));
  const wallMs = performance.now() - began;
  const finish = (hand: Hand): Promise<AnswerOf<'finished'>> =>
    hand.order({ kind: 'finish' }, 'finished');
  const made = await each(clients, finish);
  const served = await finish(server);
  const { executions } = served;
  assert(executions !== undefined, 'a server has a ledger');
  const all = [served, ...made];
  return {
    tally: addTallies(made.flatMap(({ tally }) => tally ?? [])),
    executions,
    traffic: sum(all.map(({ traffic }) => traffic)),
    trouble: sum(all.map(({ trouble }) => trouble)),
    wallMs,
    virtualMs: undefined,
  };
}

function each<T>(
  hands: readonly Hand[],
  order: (hand: Hand, index: number) => Promise<T>,
): Promise<T[]> {
  return Promise.all(hands.map(order));
}

function follow(clients: readonly Hand[], watch: Watch): void {
  const started = clients.map(() => 0);
  for (const [at, client] of clients.entries()) {
    client.onProgress = (count) => {
      started[at] = count;
      watch.progress(started.reduce((total, each) => total + each, 0));
    };
  }
}
