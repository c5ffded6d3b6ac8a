import type { Flow } from './flow.ts';
import { readPayload, UNREADABLE, writePayload } from './payload.ts';
import { ConnectorError } from '../core/errors.ts';
import type { Value } from '../reliability/inflow.ts';

/** Values that are made one after the other, as their taker gets on with them. */
export type ValueSource = Iterable<unknown> | AsyncIterable<unknown>;

/** How a stream ended: by an error, or well, with one more value or none. */
type Ending = { readonly error: unknown } | { readonly last: unknown };

/**
 * The values of one stream at whoever takes them. Values wait in the flow until they are asked for;
 * only then may the peer send more.
 */
export class Values {
  #flow: Flow | undefined;
  #ending: Ending | undefined;
  #wake: () => void = nothing;

  /** From now on its values come from this flow. */
  attach(flow: Flow | undefined): void {
    this.#flow = flow;
    if (flow !== undefined) flow.changed = () => this.#wake();
    this.#wake();
  }

  /** What has come is still given, then `last` if it is something. */
  end(last: unknown): void {
    this.#finish({ last });
  }

  /** What has come is still given, then `error` thrown. */
  fail(error: unknown): void {
    this.#finish({ error });
  }

  /** Gives the values, once. `begin` is called when the first is asked for, `stop` at the end. */
  async *read(begin: () => void, stop: () => void): AsyncGenerator<unknown, void, void> {
    try {
      begin();
      for (;;) {
        const value = this.#flow?.take();
        if (value !== undefined) yield readValue(value);
        else if (this.#ending !== undefined) break;
        else if (this.#flow?.deaf === true)
          throw gone(); // what had come is let go as well
        else if (this.#flow?.ended === true) return;
        else {
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
        }
      }
      if ('error' in this.#ending) throw this.#ending.error;
      if (this.#ending.last !== undefined) yield this.#ending.last;
    } finally {
      stop();
    }
  }

  #finish(ending: Ending): void {
    this.#ending ??= ending;
    this.#wake();
  }
}

/**
 * Sends all values of a source, each when there is credit for the one before. Ends early when
 * nobody takes them any more. Throws what the source throws, and `too-big`.
 */
export async function pour(source: ValueSource, flow: Flow, valueMax: number): Promise<void> {
  for await (const item of source) {
    const { format, bytes } = writePayload(item);
    if (bytes.length > valueMax) {
      const message = `a value of ${bytes.length} bytes, of ${valueMax} at most`;
      throw new ConnectorError('too-big', message);
    }
    if (!(await written(flow, { format, bytes }))) return;
  }
}

function written(flow: Flow, value: Value): Promise<boolean> {
  return new Promise((resolve) => flow.write(value, resolve));
}

function readValue({ format, bytes }: Value): unknown {
  const read = readPayload(format, bytes);
  if (read !== UNREADABLE) return read;
  throw new ConnectorError('malformed', 'unreadable value', { outcome: 'unknown' });
}

function gone(): ConnectorError {
  return new ConnectorError('cancelled', 'the caller sends no more', { outcome: 'unknown' });
}

function nothing(): void {}
