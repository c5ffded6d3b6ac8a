import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { load, unload } from './harness.ts';
import {
  createEndpoint,
  decodeDatagram,
  encodeMessage,
  type BareCallOptions,
  type ConnectorId,
  type Endpoint,
} from '../../../index.ts';
import { Slab } from '../../../core/slab.ts';
import type { ReplySize } from '../../../sessions/reply-room.ts';
import {
  openNetlink,
  type NetlinkOptions,
  type NetlinkTransport,
} from '../../../transport/netlink/netlink.ts';

/** The kernel module under test/kernel/module, from a test's side. */

const FILES = '/sys/kernel/debug/cnrpc_agent';
/** Its connector id. */
export const ID: ConnectorId = { idx: 20, val: 1 };
const KERNEL = 0;
/** The number of the execution, before the request's own bytes. */
const SERIAL_LENGTH = 8;

/**
 * Each call has the time of the whole program: on a busy machine an emulated round trip takes
 * seconds, and the default deadline leaves room for few repetitions.
 */
const PATIENCE_MS = 300_000;

/** The group that its multicast answers go to. */
export const GROUP: number = ID.idx;
/** Replies that it remembers of each socket. */
export const WINDOW = 1024;

/** Its longest answer: REPLY_MAX in module/agent.h. */
export const REPLY: ReplySize = { datagrams: 1, bytes: 264 };

/** What can be told it, as struct agent_faults in module/agent.h. */
export type Faults = Readonly<Record<string, number>>;

/** Loads the module, runs the body, and unloads it, which shows that nothing of it is in use. */
export async function withAgent(
  parameters: readonly string[],
  body: () => Promise<void>,
): Promise<void> {
  // Left by a program that was killed, it would go on as that one had it.
  if (existsSync('/sys/module/cnrpc_agent')) unload('cnrpc_agent');
  load('cnrpc_agent', ...parameters);
  try {
    await body();
  } finally {
    unload('cnrpc_agent');
  }
}

export function setFaults(faults: Faults): void {
  for (const [name, value] of Object.entries(faults)) writeFileSync(`${FILES}/${name}`, `${value}`);
}

export function counter(name: string): number {
  return Number(readFileSync(`${FILES}/${name}`, 'utf8'));
}

/** Opens an endpoint to the kernel, runs the body, and closes it. */
export async function withEndpoint<T>(
  socket: NetlinkOptions,
  body: (endpoint: Endpoint) => Promise<T>,
): Promise<T> {
  const endpoint = createEndpoint({ transport: openNetlink({ protocol: 'connector', ...socket }) });
  try {
    return await body(endpoint);
  } finally {
    await endpoint.close();
  }
}

/** Makes one call; gives the number of its execution. Throws if its answer is not its own. */
export async function call(
  endpoint: Endpoint,
  text: string,
  options: BareCallOptions,
): Promise<bigint> {
  const patient = { timeoutMs: PATIENCE_MS, ...options };
  const { payload } = await endpoint.request(ID, KERNEL, Buffer.from(text), patient);
  const bytes = Buffer.from(payload);
  assert.equal(bytes.toString('utf8', SERIAL_LENGTH), text);
  return bytes.readBigUInt64LE();
}

/** Makes many calls, so many at a time; gives the numbers of their executions. */
export async function callMany(
  endpoint: Endpoint,
  calls: number,
  inFlight: number,
  options: BareCallOptions,
): Promise<bigint[]> {
  const serials: bigint[] = [];
  let made = 0;
  const caller = async (): Promise<void> => {
    while (made < calls) serials.push(await call(endpoint, `call ${made++}`, options));
  };
  await Promise.all(Array.from({ length: inFlight }, caller));
  return serials;
}

/** A socket to the module without the library's reliability: a message is sent as told, once. */
export class Raw {
  readonly #transport: NetlinkTransport;
  #answers: Buffer[] = [];
  #batch: (() => void) | undefined;

  /** 0 lets the kernel choose the address. */
  constructor(portid = 0) {
    this.#transport = openNetlink({ protocol: 'connector', portid });
    this.#transport.start({
      receive: (slab, start, end) => {
        const decoded = decodeDatagram(slab.bytes.slice(start, end));
        assert.ok(decoded.ok);
        for (const { payload } of decoded.messages) this.#answers.push(Buffer.from(payload));
      },
      overrun: () => {},
      received: () => this.#batch?.(),
      failed: () => {},
    });
  }

  get portid(): number {
    return this.#transport.portid;
  }

  /** Sends a request; gives the answer's payload, or undefined if there is none. */
  async ask(seq: number, ack: number): Promise<Buffer | undefined> {
    this.#answers = [];
    const bytes = encodeMessage({ id: ID, seq, ack, flags: 0 }, Buffer.from('?'));
    assert.equal(this.#transport.send(new Slab(bytes), 0, bytes.length, KERNEL), 'sent');
    // An answer is in the queue when the send returns (kernel-facts §2.3); the batch comes at once.
    await new Promise<void>((resolve) => {
      this.#batch = resolve;
      setImmediate(resolve);
    });
    return this.#answers.shift();
  }

  close(): void {
    this.#transport.close();
  }
}
