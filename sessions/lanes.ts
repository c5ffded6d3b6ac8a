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

/** The FIFO channels of a session at its server, by number. */
export class Lanes {
  readonly #lanes = new Map<number, Lane<Incoming>>();
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

  get(channel: number): Lane<Incoming> | undefined {
    return this.#lanes.get(channel);
  }

  /** Nothing more will come: what stands behind a gap need not wait for it. */
  closeGaps(): Lane<Incoming>[] {
    const lanes = [...this.#lanes.values()];
    for (const lane of lanes) lane.closeGaps();
    return lanes;
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
