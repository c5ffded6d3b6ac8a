import { Caller } from './caller.ts';
import { trafficOf } from './findings.ts';
import { Ledger } from './ledger.ts';
import type { Answer, Order } from './messages.ts';
import { faultsOf, isFaulty, randomOf, STRESS_ID, type Plan } from './plan.ts';
import { PROGRESS_MS } from './watch.ts';
import { openAnywhere, type KernelTransport } from '../place.ts';
import { assert } from '../../core/assert.ts';
import { isConnectorError } from '../../core/errors.ts';
import { SystemClock } from '../../core/system-clock.ts';
import { createEndpoint, type Endpoint } from '../../sessions/endpoint.ts';
import { faulty, type FaultyTransport } from '../../transport/faulty.ts';

/** The program of one process of a stress run: the server, or one of the clients. */
class Worker {
  readonly #clock = new SystemClock();
  #socket: KernelTransport | undefined;
  #faulty: FaultyTransport | undefined;
  #endpoint: Endpoint | undefined;
  #ledger: Ledger | undefined;
  #caller: Caller | undefined;

  async obey(order: Order): Promise<void> {
    switch (order.kind) {
      case 'serve': {
        const { plan } = order;
        this.#ledger = new Ledger(plan);
        const endpoint = await this.#open(plan, 'server');
        endpoint.serve(STRESS_ID, { echo: this.#ledger.execute });
        answer({ kind: 'serving', address: endpoint.address });
        break;
      }
      case 'connect': {
        const { plan, client, server } = order;
        const endpoint = await this.#open(plan, `client ${client}`);
        const caller = new Caller({ plan, client, endpoint, clock: this.#clock });
        this.#caller = caller;
        await caller.connect(server);
        if (order.watched) {
          const tell = (): void => answer({ kind: 'progress', started: caller.started });
          setInterval(tell, PROGRESS_MS).unref();
        }
        answer({ kind: 'connected' });
        break;
      }
      case 'call':
        await this.#caller?.call();
        answer({ kind: 'called' });
        break;
      case 'finish':
        await this.#finish();
    }
  }

  async #open(plan: Plan, name: string): Promise<Endpoint> {
    const clock = this.#clock;
    const socket = await openSocket(plan);
    this.#socket = socket;
    if (isFaulty(plan)) {
      this.#faulty = faulty(socket, {
        faults: faultsOf(plan),
        memory: plan.memory,
        clock,
        random: randomOf(plan, name),
      });
    }
    this.#endpoint = createEndpoint({ transport: this.#faulty ?? socket, clock });
    return this.#endpoint;
  }

  async #finish(): Promise<void> {
    const endpoint = this.#endpoint!;
    await endpoint.close();
    const stats = endpoint.stats();
    const { lost = 0, duplicated = 0, reordered = 0, corrupted = 0, refused = 0 } =
      this.#faulty?.stats() ?? {};
    answer({
      kind: 'finished',
      tally: this.#caller?.tally,
      executions: this.#ledger?.executions,
      traffic: trafficOf(stats),
      trouble: {
        lost,
        duplicated,
        reordered,
        corrupted,
        // What was held back and then found the queue full is dropped there too.
        overrun: (this.#socket!.drops ?? 0) + refused,
        noMemory: stats.sendNoMemory,
      },
    });
  }
}

function openSocket({ transport, receiveBuffer }: Plan): Promise<KernelTransport> {
  assert(transport !== 'simulated', 'a simulated run has no processes');
  return openAnywhere(transport, receiveBuffer);
}

function answer(message: Answer): void {
  process.send?.(message);
}

function fail(error: unknown): void {
  const code = isConnectorError(error) ? error.code : 'internal';
  const message = error instanceof Error ? error.message : String(error);
  answer({ kind: 'failed', code, message });
}

const worker = new Worker();
// The parent decides when to end; if it is gone there is nobody left to work for.
process.on('SIGINT', () => undefined);
process.on('disconnect', () => process.exit(0));
process.on('message', (order: Order) => {
  worker.obey(order).catch(fail);
});
