import { openLogDirectory, type LogStore } from './directory.ts';
import { LogTable, type LogCounters, type Step, type StorageWork } from './log-table.ts';
import { ConnectorError } from '../../core/errors.ts';
import type { BareMessage, ConnectorId, Endpoint } from '../../index.ts';

export { openLogDirectory };
export type { LogStore, StorageWork };

/** The connector id of dm-log-userspace: CN_IDX_DM, CN_VAL_DM_USERSPACE_LOG. */
export const DM_LOG_ID: ConnectorId = { idx: 7, val: 1 };

/** The multicast group that the kernel asks: its `id.idx`. */
export const DM_LOG_GROUP = 7;

/** Requests that wait for the disk; the kernel asks again for what is dropped beyond. */
export const WAITING_MAX = 1024;

/** A snapshot of a server. */
export interface LogServerStats extends Readonly<LogCounters> {
  /** Mirrors whose logs are kept, active or not. */
  readonly logs: number;
  /** Work that the store could not do; the kernel was answered EIO, or asks again. */
  readonly storeFailures: number;
  /** What the store said last; undefined if it never failed. */
  readonly storeError: unknown;
  /** Requests dropped because too many waited for the store. */
  readonly overload: number;
}

/** A server of mirror logs. */
export interface LogServer extends AsyncDisposable {
  stats(): LogServerStats;
  /** Stops answering, finishes what waits for the store, and closes that. */
  close(): Promise<void>;
}

/**
 * Serves the logs of dm mirrors whose table line says `userspace`:
 *
 *     0 SECTORS mirror userspace 3|4 UUID file REGION_SIZE [sync|nosync] 2 DEVICE 0 DEVICE 0
 *
 * Here the kernel asks and this process answers. `endpoint`: on the kernel's connector, member of
 * group 7 (`DM_LOG_GROUP`), of a process with CAP_SYS_ADMIN, without which dm heeds no answer. The
 * transport comes first, at a portid that is always the same, so that no second server starts; then
 * the store; then the endpoint, for what it hears before there is a server is lost for 15 s.
 *
 * The server may be killed at any time and started again: an answer goes out only when what it
 * states is stored. Throws `ConnectorError` `malformed` for a file that cannot be used.
 */
export function serveMirrorLogs(endpoint: Endpoint, store: LogStore): LogServer {
  return new Server(endpoint, store);
}

class Server implements LogServer {
  readonly #endpoint: Endpoint;
  readonly #store: LogStore;
  readonly #table: LogTable;
  /** The last that waits, of each log: what is stored is stored in order. */
  readonly #waiting = new Map<string, Promise<void>>();
  readonly #unlisten: () => void;
  #waits = 0;
  #storeFailures = 0;
  #storeError: unknown;
  #overload = 0;

  constructor(endpoint: Endpoint, store: LogStore) {
    this.#endpoint = endpoint;
    this.#store = store;
    this.#table = new LogTable(store.boot);
    for (const { name, bytes } of store.images) {
      if (this.#table.restore(bytes)) continue;
      // To go on without it could take regions for in sync that are not.
      throw new ConnectorError('malformed', `${name} is damaged, there twice or one too many`);
    }
    this.#unlisten = endpoint.on(DM_LOG_ID, (message) => this.#asked(message));
  }

  stats(): LogServerStats {
    return {
      ...this.#table.counters,
      logs: this.#table.size,
      storeFailures: this.#storeFailures,
      storeError: this.#storeError,
      overload: this.#overload,
    };
  }

  async close(): Promise<void> {
    this.#unlisten();
    await Promise.all(this.#waiting.values());
    await this.#store.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #asked(message: BareMessage): void {
    if (this.#waits >= WAITING_MAX) {
      this.#overload += 1;
      return;
    }
    const step = this.#table.handle(message.payload);
    if (step === undefined) return;
    const { uuid } = step.answer;
    const before = this.#waiting.get(uuid);
    if (before === undefined && step.work === undefined) this.#reply(message, step);
    else {
      const done = this.#storeAndReply(message, step, before);
      this.#waiting.set(uuid, done);
      void done.then(() => {
        if (this.#waiting.get(uuid) === done) this.#waiting.delete(uuid);
      });
    }
  }

  async #storeAndReply(
    message: BareMessage,
    step: Step,
    before: Promise<void> | undefined,
  ): Promise<void> {
    this.#waits += 1;
    await before;
    try {
      if (step.work !== undefined) await this.#store.store(step.work);
    } catch (error) {
      this.#storeFailures += 1;
      this.#storeError = error;
      this.#table.notStored(step);
    }
    this.#waits -= 1;
    this.#reply(message, step);
  }

  #reply(message: BareMessage, { answer: { reply } }: Step): void {
    if (reply === undefined) return;
    try {
      this.#endpoint.reply(message, reply);
    } catch {
      // The endpoint is closed: the kernel asks whoever serves next.
    }
  }
}
