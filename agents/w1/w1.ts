import { constants } from 'node:os';
import {
  COMMANDS_MAX,
  encodeCommands,
  type Command,
  type CommandResult,
  type Target,
} from './command.ts';
import { EventQueue, readEvents, W1_GROUP, type W1Event } from './events.ts';
import { isData, rule, W1Exchange } from './exchange.ts';
import { decodeSlaveIds, type SlaveId } from './slave-id.ts';
import { decodeMasters, decodeMessages, encodeMaster, encodeMessage, types } from './wire.ts';
import { ConnectorError } from '../../core/errors.ts';
import type {
  BareCallOptions,
  BareListener,
  BareMessage,
  ConnectorId,
  Endpoint,
  MatchRule,
} from '../../index.ts';

export { COMMANDS_MAX, W1_GROUP };
export type { Command, CommandResult, SlaveId, Target, W1Event };

/** The connector id of w1: CN_W1_IDX, CN_W1_VAL. */
export const W1_ID: ConnectorId = { idx: 3, val: 1 };

/** Requests of one client that wait for the one before; more are `busy`. */
const WAITING_MAX = 1024;
/** What a reset answers if no slave pulls the bus down: -1, in 8 bits. */
const NO_PRESENCE = 255;
const KERNEL = 0;

/** Adjusts a request. */
export interface W1Options {
  /** From when the request is sent, ms; default `limits.callTimeoutMs`. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/**
 * The kernel's 1-Wire subsystem over its connector interface, as kernels since 3.15 speak it: bus
 * masters by their numbers, slaves by their names in /sys. Needs no privilege but, for events, that
 * of joining group 3.
 *
 * w1 answers by unicasts that sleep while our receive queue is full, and holds its locks meanwhile
 * (semantics 25). Therefore requests go one after the other, and have a bounded number of commands:
 * use one client for an endpoint.
 *
 * Requests reject with `ConnectorError`. Where w1 answers with an errno, that is `application`; its
 * outcome is `not-executed` if the request was refused as a whole, `executed` if a command failed.
 * A lost answer is `deadline-exceeded` with outcome `unknown`: nothing is repeated, for a read or a
 * touch moves the slave on.
 */
export class W1 {
  readonly #endpoint: Endpoint;
  readonly #queues = new Set<EventQueue>();
  #unlisten: (() => void) | undefined;
  /** Losses of the endpoint that were reported. */
  #overrun = 0;
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  /** `endpoint`: on the kernel's connector; for events, a member of group 3 (`W1_GROUP`). */
  constructor(endpoint: Endpoint) {
    this.#endpoint = endpoint;
  }

  /** Lists the numbers of the bus masters. */
  async masters(options: W1Options = {}): Promise<number[]> {
    const ask = encodeMessage(types.listMasters, encodeMaster(0), []);
    // The list has no end of its own. A message that is wrong in any case is answered behind it.
    const end = encodeMessage(types.masterCommand, encodeMaster(0), []);
    const masters: number[] = [];
    await this.#request(Buffer.concat([ask, end]), rule, options, (part) => {
      for (const { type, status, data } of decodeMessages(part.payload)) {
        if (isData(part)) masters.push(...decodeMasters(data));
        // Out of memory: then it is the list itself that is answered so.
        else if (type === types.listMasters) throw refusal(status, 'the list of masters');
      }
    });
    return masters;
  }

  /** Lists the slaves that the kernel knows on a bus, without asking the bus. */
  slaves(master: number, options?: W1Options): Promise<SlaveId[]> {
    return this.#search(master, 'list-slaves', options);
  }

  /** Searches a bus for slaves; the kernel adds those that are new to its own list. */
  search(master: number, options?: W1Options): Promise<SlaveId[]> {
    return this.#search(master, 'search', options);
  }

  /** Searches a bus for slaves that have an alarm to report. */
  alarmSearch(master: number, options?: W1Options): Promise<SlaveId[]> {
    return this.#search(master, 'alarm-search', options);
  }

  /** Resets a bus; tells whether any slave is present. */
  async reset(master: number, options?: W1Options): Promise<boolean> {
    const [result] = await this.run({ master }, [{ kind: 'reset' }], options);
    if (result!.status === NO_PRESENCE) return false;
    checked(result!);
    return true;
  }

  /** Reads bytes from the bus or, after it was selected, from a slave. */
  read(target: Target, length: number, options?: W1Options): Promise<Uint8Array> {
    return this.#one(target, { kind: 'read', length }, options);
  }

  /** Writes bytes to the bus or, after it was selected, to a slave. */
  async write(target: Target, data: Uint8Array, options?: W1Options): Promise<void> {
    await this.#one(target, { kind: 'write', data }, options);
  }

  /** Writes and reads each bit in the same slot; gives what was read. */
  touch(target: Target, data: Uint8Array, options?: W1Options): Promise<Uint8Array> {
    return this.#one(target, { kind: 'touch', data }, options);
  }

  /** Makes the kernel know a slave that no search finds. */
  async addSlave(master: number, slave: SlaveId, options?: W1Options): Promise<void> {
    await this.#one({ master }, { kind: 'add-slave', slave }, options);
  }

  /** Makes the kernel forget a slave. */
  async removeSlave(master: number, slave: SlaveId, options?: W1Options): Promise<void> {
    await this.#one({ master }, { kind: 'remove-slave', slave }, options);
  }

  /**
   * Runs several commands while nobody else has the bus; gives what became of each. A command that
   * fails does not keep the following from running, so it does not reject either.
   */
  async run(
    target: Target,
    commands: readonly Command[],
    options: W1Options = {},
  ): Promise<CommandResult[]> {
    const payload = encodeCommands(target, commands);
    const exchange = new W1Exchange(target, commands);
    await this.#request(payload, exchange.rule, options, (part) => {
      exchange.take(part, part.payload);
    });
    if (exchange.failure !== 0) throw refusal(exchange.failure, describe(target));
    return exchange.results();
  }

  /**
   * Gives what happens to masters and slaves, until the consumer leaves the loop or `signal`
   * aborts; `lost` stands where events are missing. Begins with the first `next`.
   */
  async *events(options: { readonly signal?: AbortSignal } = {}): AsyncGenerator<W1Event> {
    const { signal } = options;
    const queue = new EventQueue();
    const end = (): void => queue.end();
    if (signal?.aborted) return;
    signal?.addEventListener('abort', end, { once: true });
    this.#attach(queue);
    try {
      for (let event = await queue.next(); event; event = await queue.next()) yield event;
    } finally {
      this.#detach(queue);
      signal?.removeEventListener('abort', end);
    }
  }

  async #search(
    master: number,
    kind: 'search' | 'alarm-search' | 'list-slaves',
    options?: W1Options,
  ): Promise<SlaveId[]> {
    return decodeSlaveIds(await this.#one({ master }, { kind }, options));
  }

  async #one(target: Target, command: Command, options?: W1Options): Promise<Uint8Array> {
    const [result] = await this.run(target, [command], options);
    return checked(result!).data;
  }

  /** Sends a request when the one before has its answer, and takes the parts of its own. */
  async #request(
    payload: Uint8Array,
    match: MatchRule,
    options: W1Options,
    take: (part: BareMessage) => void,
  ): Promise<void> {
    if (this.#waiting >= WAITING_MAX) {
      throw new ConnectorError('busy', `${WAITING_MAX} requests wait`, { outcome: 'not-sent' });
    }
    this.#waiting += 1;
    const before = this.#last;
    const ours = (async (): Promise<void> => {
      await before;
      const call: BareCallOptions = { ...options, rule: match };
      const parts = this.#endpoint.requestParts(W1_ID, KERNEL, payload, call);
      for await (const part of parts) take(part);
    })();
    this.#last = ours.catch(() => {});
    try {
      await ours;
    } finally {
      this.#waiting -= 1;
    }
  }

  #attach(queue: EventQueue): void {
    if (this.#queues.size === 0) {
      this.#overrun = this.#endpoint.stats().overrun;
      this.#unlisten = this.#endpoint.on(W1_ID, this.#heard);
    }
    this.#queues.add(queue);
  }

  #detach(queue: EventQueue): void {
    this.#queues.delete(queue);
    if (this.#queues.size === 0) this.#unlisten?.();
  }

  readonly #heard: BareListener = (message) => {
    const events = readEvents(message);
    const { overrun } = this.#endpoint.stats();
    // Whatever the queue lost may have been an event: numbers of several masters run beside each
    // other, so that gaps in them tell nothing.
    if (overrun !== this.#overrun) events.unshift({ kind: 'lost' });
    this.#overrun = overrun;
    for (const queue of this.#queues) for (const event of events) queue.push(event);
  };
}

/** Gives the result back, or throws what its status says. */
function checked(result: CommandResult): CommandResult {
  if (result.status === 0) return result;
  const message = `${result.kind} failed: ${errnoName(result.status)}`;
  throw new ConnectorError('application', message, { outcome: 'executed' });
}

function refusal(status: number, what: string): ConnectorError {
  const message = `w1 refuses ${what}: ${errnoName(status)}`;
  return new ConnectorError('application', message, { outcome: 'not-executed' });
}

function describe(target: Target): string {
  return 'slave' in target ? `slave ${target.slave}` : `master ${target.master}`;
}

function errnoName(errno: number): string {
  const known = Object.entries(constants.errno).find(([, value]) => value === errno);
  return known?.[0] ?? `status ${errno}`;
}
