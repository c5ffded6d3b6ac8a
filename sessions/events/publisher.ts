import type { Outlet } from './outlet.ts';
import { writePayload } from '../payload.ts';
import { ConnectorError, required } from '../../core/errors.ts';
import type { ConnectorId } from '../../core/id.ts';
import { formatStream, TOPIC_LENGTH_MAX } from '../../transport/wire/event.ts';

const encoder = new TextEncoder();

/** Ties a publisher to its endpoint. */
export interface PublisherParts {
  readonly id: ConnectorId;
  readonly outlet: Outlet;
  /** The longest value, bytes. */
  readonly payloadMax: number;
  /** The publisher takes no more events. */
  readonly closed: () => void;
}

/** Publishes events of one id to whoever has subscribed. Made by `Endpoint.publisher`. */
export class Publisher implements AsyncDisposable {
  readonly #parts: PublisherParts;
  #closing: Promise<void> | undefined;

  constructor(parts: PublisherParts) {
    this.#parts = parts;
  }

  get id(): ConnectorId {
    return this.#parts.id;
  }

  /** What its events are told apart by: `stream` of what a subscription gives. */
  get stream(): string {
    return formatStream(this.#parts.outlet.parts.stream);
  }

  /**
   * Publishes an event; resolves with its number when the transport has taken it, which says
   * nothing of who got it. `Uint8Array` travels as bytes, all else as JSON. Rejects with
   * `ConnectorError`, outcome `not-sent`: `invalid-argument`, `too-big`, `busy`, `refused`
   * (the system forbids it), `closed`.
   */
  publish(topic: string, value?: unknown): Promise<number> {
    return new Promise((sent, failed) => {
      if (this.#closing !== undefined) {
        throw new ConnectorError('closed', 'the publisher is closed', { outcome: 'not-sent' });
      }
      const { outlet, payloadMax } = this.#parts;
      const name = encoder.encode(topic);
      required(name.length <= TOPIC_LENGTH_MAX, `a topic has at most ${TOPIC_LENGTH_MAX} bytes`);
      const { format, bytes } = writePayload(value);
      if (bytes.length > payloadMax) {
        const message = `${bytes.length} bytes, of ${payloadMax} at most`;
        throw new ConnectorError('too-big', message, { outcome: 'not-sent' });
      }
      // It leaves with the end of the turn.
      const own = value instanceof Uint8Array ? bytes.slice() : bytes;
      outlet.enqueue({ news: { topic: name, format, value: own }, sent, failed });
    });
  }

  /**
   * Ends the stream; resolves when what was published and the word that nothing follows have left.
   * For a few seconds the endpoint repeats that word. Then another publisher may be made.
   */
  close(): Promise<void> {
    this.#closing ??= new Promise((resolve) => {
      this.#parts.closed();
      this.#parts.outlet.end(resolve);
    });
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
