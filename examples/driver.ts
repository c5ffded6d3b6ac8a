/**
 * The client of a driver of one's own: its other side is test/kernel/module/counters.c, and
 * docs/AGENTS.md says what both keep to.
 */
import { ConnectorError, createEndpoint, type BareMessage, type Endpoint } from 'connector-rpc';
import { openNetlink } from 'connector-rpc/transport/netlink';

const COUNTERS = { idx: 21, val: 1 };
const KERNEL = 0;
/** Replies that the driver remembers of a socket: repeated, a request is not executed again. */
const REMEMBERED = 1024;
const OPERATIONS = { read: 0, add: 1 } as const;

/** What the driver says of a counter, in a reply or when it has changed. */
interface Counter {
  readonly counter: number;
  readonly value: bigint;
}

class Counters {
  readonly #endpoint: Endpoint;

  constructor(endpoint: Endpoint) {
    this.#endpoint = endpoint;
  }

  read(counter: number): Promise<bigint> {
    return this.#ask(OPERATIONS.read, counter, 0n);
  }

  /** Adds exactly once, whatever is lost on the way; gives the new value. */
  add(counter: number, amount: bigint): Promise<bigint> {
    return this.#ask(OPERATIONS.add, counter, amount);
  }

  /** Calls `listener` when a counter has changed; gives a function that ends it. */
  watch(listener: (changed: Counter) => void): () => void {
    return this.#endpoint.on(COUNTERS, (message) => {
      const changed = read(message);
      if (changed !== undefined) listener(changed);
    });
  }

  async #ask(operation: number, counter: number, amount: bigint): Promise<bigint> {
    const request = Buffer.alloc(16);
    request.writeUInt32LE(operation, 0);
    request.writeUInt32LE(counter, 4);
    request.writeBigUInt64LE(BigInt.asUintN(64, amount), 8);
    const options = { remembered: REMEMBERED, reply: { datagrams: 1, bytes: 16 } };
    const answer = await this.#endpoint.request(COUNTERS, KERNEL, request, options);
    const told = read(answer);
    if (told === undefined) throw new ConnectorError('malformed', 'the driver says something else');
    if (told.error === 0) return told.value;
    throw new ConnectorError('application', `errno ${-told.error}`, { outcome: 'executed' });
  }
}

/** Reads a message of the driver; undefined if it is none. */
function read({ payload }: BareMessage): (Counter & { readonly error: number }) | undefined {
  if (payload.length !== 16) return undefined;
  const bytes = Buffer.from(payload);
  const [error, counter] = [bytes.readInt32LE(0), bytes.readUInt32LE(4)];
  return { error, counter, value: bytes.readBigUInt64LE(8) };
}

const groups = [COUNTERS.idx]; // for what it tells everybody; requests need no group
const endpoint = createEndpoint({ transport: openNetlink({ protocol: 'connector', groups }) });
const counters = new Counters(endpoint);
let changes = 0;
counters.watch(() => (changes += 1));
for (let round = 0; round < 100; round++) await counters.add(round % 16, 2n);
console.log(`counter 3 is at ${await counters.read(3)}, after ${changes} changes`);
await endpoint.close();
