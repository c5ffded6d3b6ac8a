import Denque from 'denque';
import type { Incoming } from './incoming.ts';
import type { Limits } from '../core/limits.ts';
import { LITTLE_ENDIAN, type Slab } from '../core/slab.ts';
import { Lane } from '../reliability/lane.ts';
import { REQUEST_CHANNEL, REQUEST_POSITION } from '../transport/wire/frame.ts';

/** The place that a REQUEST, SEND or CANCEL has. */
export interface Place {
  readonly channel: number;
  readonly position: number;
  /**
   * Undefined outside of channels; null if there is no such place: a channel that is not allowed
   * here, or a position that no honest peer uses.
   */
  readonly lane: Lane<Incoming> | null | undefined;
}

/** The FIFO channels of a session at its server, by number, and the requests whose turn it is. */
export class Lanes {
  readonly #lanes = new Map<number, Lane<Incoming>>();
  /** Requests that are whole, and whose turn has come. */
  readonly #ready = new Denque<Incoming>();
  /** Positions held behind gaps, over all channels. */
  readonly #gaps = { held: 0 };
  readonly #limits: Limits;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  /** Reads the place at slab[at, …), where a message's payload begins. */
  place(slab: Slab, at: number): Place {
    const channel = slab.view.getUint16(at + REQUEST_CHANNEL, LITTLE_ENDIAN);
    const position = slab.view.getUint32(at + REQUEST_POSITION, LITTLE_ENDIAN);
    return { channel, position, lane: channel === 0 ? undefined : this.#lane(channel, position) };
  }

  /** Takes a place, for a request or for none. Outside of channels its turn has come. */
  put({ lane, position }: Place, incoming: Incoming | undefined): void {
    if (lane) {
      lane.put(position, incoming);
      this.#release(lane);
    } else if (incoming !== undefined) this.#due(incoming);
  }

  /** The next request that may start. */
  take(): Incoming | undefined {
    return this.#ready.shift();
  }

  /** It has become whole: it starts if its turn has come. */
  complete(incoming: Incoming): void {
    if (incoming.due) this.#ready.push(incoming);
  }

  /** It has ended, or will not start: the next of its channel may. */
  finish(incoming: Incoming): void {
    const lane = this.#lanes.get(incoming.channel);
    if (lane === undefined) return;
    lane.finish(incoming);
    this.#release(lane);
  }

  /** Nothing more will come: what stands behind a gap need not wait for it. */
  closeGaps(): void {
    for (const lane of this.#lanes.values()) {
      lane.closeGaps();
      this.#release(lane);
    }
  }

  #release(lane: Lane<Incoming>): void {
    const next = lane.take();
    if (next !== undefined) this.#due(next);
  }

  #due(incoming: Incoming): void {
    incoming.due = true;
    if (incoming.whole) this.#ready.push(incoming);
  }

  #lane(channel: number, position: number): Lane<Incoming> | null {
    const { channelsMax, seqWindow } = this.#limits;
    let lane = this.#lanes.get(channel);
    if (lane === undefined) {
      if (channel > channelsMax) return null;
      lane = new Lane<Incoming>(seqWindow, this.#gaps);
      this.#lanes.set(channel, lane);
    }
    const placement = lane.placement(position);
    if (placement === 'held') return this.#gaps.held < seqWindow ? lane : null;
    return placement === 'ready' ? lane : null;
  }
}
