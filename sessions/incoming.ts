import type { Timed } from './resources.ts';
import type { Outgoing } from '../reliability/outgoing.ts';
import type { Expiring } from '../reliability/wheel.ts';

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

/** One request at its server, from its first arrival until the caller has its reply. */
export class Incoming implements Timed {
  readonly seq: number;
  readonly ack: number;
  readonly method: string;
  readonly format: number;
  readonly payload: Uint8Array;
  readonly deadline: number;
  readonly channel: number;
  state: 'waiting' | 'running' | 'replied' = 'waiting';
  /** The caller took it back, or its session is over: no reply is wanted. */
  cancelled = false;
  reply: Outgoing | undefined;
  #controller: AbortController | undefined;
  readonly #watch: (incoming: Incoming) => void;

  earlier: Expiring | undefined = undefined;
  later: Expiring | undefined = undefined;
  slot = -1;

  /** `watch` is called when somebody first asks for the signal: only then is a deadline kept. */
  constructor(parts: IncomingParts, watch: (incoming: Incoming) => void) {
    this.seq = parts.seq;
    this.ack = parts.ack;
    this.method = parts.method;
    this.format = parts.format;
    this.payload = parts.payload;
    this.deadline = parts.deadline;
    this.channel = parts.channel;
    this.#watch = watch;
  }

  /**
   * Aborts when the caller takes the call back, when its deadline comes, or when its session ends.
   * Made on first use: an AbortController costs up to 10 us (native-io.md §3), more than the whole
   * call.
   */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.cancelled) this.#controller.abort();
      else this.#watch(this);
    }
    return this.#controller.signal;
  }

  /** Tells the handler, if it listens. */
  abort(): void {
    this.#controller?.abort();
  }

  expire(): void {
    this.abort();
  }
}
