import type { Slab } from '../../core/slab.ts';
import type { SendOutcome } from '../transport.ts';

/** The part of a `node:dgram` socket that sends. */
export interface SendingSocket {
  send(
    bytes: Uint8Array,
    offset: number,
    length: number,
    port: number,
    host: string,
    settled: ((error: Error | null) => void) | undefined,
  ): void;
  /** Sends that the kernel has not taken yet. */
  getSendQueueCount(): number;
}

/** What became of a datagram is asked for once in so many: the answer is a tick of its own. */
const ASKED = 16;

/**
 * Hands datagrams to the kernel. libuv tries the system call inside of `send` and waits only where
 * the kernel has no room (EAGAIN); then the bytes must stay as they are. So they are copied into
 * one block, and nothing more is sent while the kernel has not taken what is in there: `busy`, as
 * the contract wants it, with one datagram under way instead of a queue that nobody bounds.
 *
 * Any other error of the system comes after the call. The datagram counts as lost on the way. Such
 * errors last: as long as there is one after the other each is asked for and counted.
 */
export class Outbox {
  /** Datagrams handed over. */
  sent = 0;
  /** Of those, the ones of which it is known that the system refused them (EPERM, ...). */
  failed = 0;
  /** Sends that were answered with `busy`. */
  busy = 0;
  readonly #socket: SendingSocket;
  readonly #block: Uint8Array;
  /** Datagrams until one is asked for. */
  #unasked = 0;

  /** `longest` is the longest datagram that will be sent. */
  constructor(socket: SendingSocket, longest: number) {
    this.#socket = socket;
    this.#block = new Uint8Array(longest);
  }

  send(slab: Slab, start: number, end: number, host: string, port: number): SendOutcome {
    if (this.#socket.getSendQueueCount() > 0) {
      this.busy++;
      return 'busy';
    }
    this.#block.set(slab.bytes.subarray(start, end));
    const asked = this.#unasked === 0;
    this.#unasked = asked ? ASKED - 1 : this.#unasked - 1;
    const settled = asked ? this.#settled : undefined;
    this.#socket.send(this.#block, 0, end - start, port, host, settled);
    this.sent++;
    return 'sent';
  }

  readonly #settled = (error: Error | null): void => {
    if (error === null) return;
    this.failed++;
    this.#unasked = 0;
  };
}
