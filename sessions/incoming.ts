import type { Timed } from './resources.ts';
import type { Outgoing } from '../reliability/outgoing.ts';
import type { Expiring } from '../reliability/wheel.ts';

const EMPTY = new Uint8Array(0);

/** Holds what a request said. */
export interface IncomingParts {
  readonly seq: number;
  readonly ack: number;
  readonly method: string;
  readonly format: number;
  readonly payload: Uint8Array;
  /** When the caller stops waiting, in our clock time; Infinity: never. */
  readonly deadline: number;
  readonly channel: number;
}

/** What a request tells its responder of. */
export interface IncomingHooks {
  /** Somebody asked for the signal: from now on its deadline matters while it runs. */
  readonly watched: (incoming: Incoming) => void;
  /** Its deadline has come while it waited. */
  readonly expired: (incoming: Incoming) => void;
}

/** One request at its server, from its first arrival until the caller has its reply. */
export class Incoming implements Timed {
  readonly seq: number;
  readonly ack: number;
  readonly method: string;
  readonly format: number;
  payload: Uint8Array;
  readonly deadline: number;
  readonly channel: number;
  state: 'waiting' | 'running' | 'replied' = 'waiting';
  /** The caller took it back, or its session is over: no reply is wanted. */
  cancelled = false;
  /** It was refused while it waited; its place in its channel is still to come. */
  answered = false;
  reply: Outgoing | undefined;
  #controller: AbortController | undefined;
  readonly #hooks: IncomingHooks;

  earlier: Expiring | undefined = undefined;
  later: Expiring | undefined = undefined;
  slot = -1;

  constructor(parts: IncomingParts, hooks: IncomingHooks) {
    this.seq = parts.seq;
    this.ack = parts.ack;
    this.method = parts.method;
    this.format = parts.format;
    this.payload = parts.payload;
    this.deadline = parts.deadline;
    this.channel = parts.channel;
    this.#hooks = hooks;
  }

  /**
   * Aborts when the caller takes the call back, when its deadline comes, or when its session ends.
   * Made on first use: an AbortController costs up to 10 us (native-io.md §3), more than the call.
   */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.cancelled) this.#controller.abort();
      else this.#hooks.watched(this);
    }
    return this.#controller.signal;
  }

  /** Lets go of the payload; gives how many bytes that were. */
  takePayload(): number {
    const { length } = this.payload;
    this.payload = EMPTY;
    return length;
  }

  /** Tells the handler, if it listens. */
  abort(): void {
    this.#controller?.abort();
  }

  expire(): void {
    if (this.state === 'waiting') this.#hooks.expired(this);
    else this.abort();
  }
}
