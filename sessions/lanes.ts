import Denque from 'denque';
import type { Incoming } from './incoming.ts';
import type { Resources } from './resources.ts';
import { LITTLE_ENDIAN, type Slab } from '../core/slab.ts';
import type { Kept } from '../reliability/kept.ts';
import { Lane } from '../reliability/lane.ts';
import { REQUEST_CHANNEL, REQUEST_POSITION } from '../transport/wire/frame.ts';

/** Here: V8 loads an imported constant, and tests it, at each use. */
const NATIVE = LITTLE_ENDIAN;

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

const UNORDERED: Place = { channel: 0, position: 0, lane: undefined };

/** The FIFO channels of a session at its server, by number, and the requests whose turn it is. */
export class Lanes {
  readonly #resources: Resources;
  readonly #hostile: () => void;
  /** Those in which something is held, waits or runs. */
  readonly #lanes = new Map<number, Lane<Incoming>>();
  /** The next position of each channel that is not among them; 0 in those never used. */
  #positions = new Uint32Array(0);
  /** Requests that are whole, and whose turn has come. */
  readonly #ready = new Denque<Incoming>();
  /** Positions behind gaps that no request holds, over all channels. */
  #blanks = 0;

  /** `hostile` is called for a peer that keeps to no bound. */
  constructor(resources: Resources, hostile: () => void) {
    this.#resources = resources;
    this.#hostile = hostile;
  }

  /** True if nothing is held, waits or runs in a channel, or is about to start. */
  get idle(): boolean {
    return this.#lanes.size === 0 && this.#ready.length === 0;
  }

  /** Only while they are `idle`. */
  suspend(kept: Kept): void {
    kept.put(this.#positions.length, ...this.#positions);
  }

  resume(kept: Kept): void {
    this.#positions = new Uint32Array(kept.take());
    for (let channel = 0; channel < this.#positions.length; channel++) {
      this.#positions[channel] = kept.take();
    }
  }

  /** Reads the place at slab[at, …), where a message's payload begins. */
  place(slab: Slab, at: number): Place {
    const channel = slab.view.getUint16(at + REQUEST_CHANNEL, NATIVE);
    if (channel === 0) return UNORDERED;
    const position = slab.view.getUint32(at + REQUEST_POSITION, NATIVE);
    return { channel, position, lane: this.#lane(channel, position) };
  }

  /** Takes a place, for a request or for none. Outside of channels its turn has come. */
  put({ channel, lane, position }: Place, incoming: Incoming | undefined): void {
    if (lane) {
      this.#lanes.set(channel, lane);
      this.#count(lane.put(position, incoming));
      this.#release(channel, lane);
      if (incoming?.due === false) incoming.own();
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
    const lane = incoming.channel === 0 ? undefined : this.#lanes.get(incoming.channel);
    if (lane === undefined) return;
    lane.finish(incoming);
    this.#release(incoming.channel, lane);
  }

  /** Nothing more will come: what stands behind a gap need not wait for it. */
  closeGaps(): void {
    for (const [channel, lane] of this.#lanes) {
      this.#count(lane.closeGaps());
      this.#release(channel, lane);
    }
  }

  #release(channel: number, lane: Lane<Incoming>): void {
    const next = lane.take();
    if (next !== undefined) this.#due(next);
    else if (lane.idle) this.#shelve(channel, lane);
  }

  /** Lets go of a lane in which there is nothing, but not of how far it has come. */
  #shelve(channel: number, lane: Lane<Incoming>): void {
    const positions = this.#positions;
    if (channel >= positions.length) {
      this.#positions = new Uint32Array(Math.max(2 * positions.length, channel + 1));
      this.#positions.set(positions);
    }
    this.#positions[channel] = lane.next;
    this.#lanes.delete(channel);
  }

  /** A session may have as many blanks as are left, or its equal share. */
  #count(change: number): void {
    this.#blanks += change;
    this.#resources.placesHeld += change;
    const { limits, placesHeld } = this.#resources;
    const { placesMax, sessionsMax } = limits;
    const left = Math.max(placesMax - placesHeld, placesMax / sessionsMax);
    if (change > 0 && this.#blanks > left) this.#hostile();
  }

  #due(incoming: Incoming): void {
    incoming.due = true;
    if (incoming.whole) this.#ready.push(incoming);
  }

  #lane(channel: number, position: number): Lane<Incoming> | null {
    const { channelsMax, seqWindow } = this.#resources.limits;
    if (channel > channelsMax) return null;
    const next = this.#positions[channel] ?? 0;
    const lane = this.#lanes.get(channel) ?? new Lane<Incoming>(next, seqWindow);
    const placement = lane.placement(position);
    return placement === 'ready' || placement === 'held' ? lane : null;
  }
}
