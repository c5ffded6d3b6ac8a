import { decodeSlaveId, type SlaveId } from './slave-id.ts';
import { decodeMasters, decodeMessages, types, type WireMessage } from './wire.ts';
import type { BareMessage } from '../../index.ts';

/** What w1 tells everybody who listens to group 3. */
export type W1Event =
  | { readonly kind: 'master-added' | 'master-removed'; readonly master: number }
  | { readonly kind: 'slave-added' | 'slave-removed'; readonly slave: SlaveId }
  /** Events were lost, by a full receive queue or a slow consumer: list again. */
  | { readonly kind: 'lost' };

/** Events that wait for a slow consumer; of those beyond, one `lost` is left. */
export const EVENTS_MAX = 1024;

/** The multicast group of w1's events: its `id.idx`. */
export const W1_GROUP = 3;

/** Reads the events in a message; none if it is something else, such as a late answer. */
export function readEvents({ payload }: BareMessage): W1Event[] {
  return decodeMessages(payload).flatMap((message) => readEvent(message) ?? []);
}

function readEvent({ type, id }: WireMessage): W1Event | undefined {
  if (type === types.masterAdd || type === types.masterRemove) {
    const kind = type === types.masterAdd ? 'master-added' : 'master-removed';
    return { kind, master: decodeMasters(id)[0]! };
  }
  const slave = decodeSlaveId(id);
  if (slave === undefined) return undefined;
  if (type === types.slaveAdd) return { kind: 'slave-added', slave };
  return type === types.slaveRemove ? { kind: 'slave-removed', slave } : undefined;
}

/** A bounded queue between the agent's events and one consumer. */
export class EventQueue {
  readonly #events: W1Event[] = [];
  #wake: (() => void) | undefined;
  #ended = false;

  push(event: W1Event): void {
    const { length } = this.#events;
    if (length < EVENTS_MAX) this.#events.push(event);
    else if (length === EVENTS_MAX) this.#events.push({ kind: 'lost' });
    this.#wake?.();
  }

  /** Nothing more comes; what waits is still given. */
  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  /** The next event; undefined at the end. For one consumer. */
  async next(): Promise<W1Event | undefined> {
    while (this.#events.length === 0 && !this.#ended) {
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    return this.#events.shift();
  }
}
