import { call, send, stream, type CallOptions } from './calling.ts';
import type { Line } from './line.ts';
import type { ConnectorId } from '../core/id.ts';
import type { Credentials, Peer } from '../transport/transport.ts';

/**
 * A client's way to one service. It keeps a session open and opens another when that is lost; a
 * call moves to the new one only if it is known not to have run, or is declared idempotent
 * (semantics 7).
 */
export class Connection implements AsyncDisposable {
  readonly #line: Line;

  constructor(line: Line) {
    this.#line = line;
  }

  get id(): ConnectorId {
    return this.#line.options.id;
  }

  get peer(): Peer {
    return this.#line.options.peer;
  }

  /**
   * The server as the kernel names it; undefined while there is no session, or no kernel to ask.
   */
  get credentials(): Credentials | undefined {
    return this.#line.session?.credentials;
  }

  /**
   * Calls a method; resolves with the reply. `Uint8Array` travels as bytes, all else as JSON. Bytes
   * that come may be a part of a larger `ArrayBuffer`, as those of small Buffers are.
   * Rejects with `ConnectorError`, whose `outcome` says what is known of the call.
   */
  call(method: string, input?: unknown, options: CallOptions = {}): Promise<unknown> {
    return call(this.#line, method, input, options);
  }

  /**
   * Sends a message that nobody replies to; resolves when the peer has accepted it: from then on it
   * runs, once, if the peer lives. Rejects as `call` does.
   */
  send(method: string, input?: unknown, options: CallOptions = {}): Promise<void> {
    return send(this.#line, method, input, options);
  }

  /**
   * Calls a method that answers with any number of values. The call begins when the first is asked
   * for and is cancelled when its taker stops; a slow taker slows the handler down. Throws, after
   * what has come, as `call` rejects.
   */
  stream(
    method: string,
    input?: unknown,
    options: CallOptions = {},
  ): AsyncGenerator<unknown, void, void> {
    return stream(this.#line, method, input, options);
  }

  /** Takes no more calls, waits until those open are settled, and closes the session. */
  close(): Promise<void> {
    return this.#line.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
